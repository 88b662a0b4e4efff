//! What happens in a run, as values; consumers only display them.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::secret::Scrubber;

/// Something that happened in a run, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    Started {
        /// What is done.
        operation: Operation,
        /// The backup's name.
        backup: String,
        /// The run's id.
        run: String,
    },
    /// The work enters this phase.
    Phase {
        /// The phase.
        phase: Phase,
    },
    /// Bytes moved; sent at most ten times a second.
    Progress {
        /// Bytes of the data so far.
        plain: u64,
        /// Bytes of the message so far.
        stored: u64,
        /// The bytes of the message that there will be, where known.
        of: Option<u64>,
    },
    /// A line that a program wrote on its standard error, or a message of a component.
    Log {
        /// Its source: a program's name, `agent`, a component's type.
        source: String,
        /// The line, secrets replaced.
        line: String,
    },
    /// Something of the configuration that is accepted and not acted on.
    Notice {
        /// One sentence.
        message: String,
    },
    /// A problem that does not stop the run; the report has it too.
    Warning {
        /// One sentence.
        message: String,
    },
    /// An observer was too slow: this many events are missing here, for this observer alone.
    Missed {
        /// How many.
        count: u64,
    },
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// A version is made.
    #[default]
    Backup,
    /// A version is put back.
    Restore,
    /// A version is restored beside the original, counted and removed.
    Drill,
    /// A version is read to its end.
    Verify,
    /// A version is written into a file, or read by the program that embeds the engine.
    Download,
    /// What dead runs left is mended.
    Recover,
    /// Versions that the retention does not keep are removed.
    Prune,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Drill => "drill",
            Self::Verify => "verify",
            Self::Download => "download",
            Self::Recover => "recover",
            Self::Prune => "prune",
        })
    }
}

/// The phases of a run, in the words of progress lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// The target is opened and the agent started.
    Opening,
    /// The probes run.
    Checking,
    /// The workload is stopped.
    Quiescing,
    /// Data is read, compressed, encrypted and stored.
    Capturing,
    /// Everything was read: the workload is started again, while the rest is stored.
    Resuming,
    /// The version is being made visible.
    Committing,
    /// The message is read to its end and its integrity checked.
    Proving,
    /// The data is put beside the original, to be looked at.
    Drilling,
    /// The data is being put back.
    Replaying,
    /// The decrypted stream is being written where the user asked.
    Downloading,
    /// Versions that the retention does not keep are removed.
    Pruning,
    /// What was stopped is started again, and what was made is removed.
    Closing,
}

impl Phase {
    /// The moment at which it begins, for [`fault_point`](crate::fault_point).
    fn moment(self) -> &'static str {
        match self {
            Self::Opening => "phase.opening",
            Self::Checking => "phase.checking",
            Self::Quiescing => "phase.quiescing",
            Self::Capturing => "phase.capturing",
            Self::Resuming => "phase.resuming",
            Self::Committing => "phase.committing",
            Self::Proving => "phase.proving",
            Self::Drilling => "phase.drilling",
            Self::Replaying => "phase.replaying",
            Self::Downloading => "phase.downloading",
            Self::Pruning => "phase.pruning",
            Self::Closing => "phase.closing",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening",
            Self::Checking => "checking",
            Self::Quiescing => "stopping the workload",
            Self::Capturing => "capturing",
            Self::Resuming => "starting the workload again",
            Self::Committing => "committing",
            Self::Proving => "proving",
            Self::Drilling => "restoring beside the original",
            Self::Replaying => "restoring",
            Self::Downloading => "downloading",
            Self::Pruning => "removing old versions",
            Self::Closing => "closing",
        })
    }
}

/// Where the events of one run go; cheap to clone.
#[derive(Clone)]
pub struct Events {
    sink: Arc<dyn Fn(Event) + Send + Sync>,
    scrubber: Scrubber,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Hands events to this function, which must not block, after replacing the secrets that `scrubber` knows in every text.
    ///
    /// To watch runs, register an [`Observer`](crate::observer::Observer) with the engine instead.
    pub fn new(scrubber: Scrubber, sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink), scrubber }
    }

    /// The same without known secrets, for tests of components.
    pub fn to(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self::new(Scrubber::default(), sink)
    }

    /// Drops every event.
    pub fn ignored() -> Self {
        Self::to(|_| {})
    }

    /// The scrubber that texts pass through before they become events.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Emits an event.
    pub fn emit(&self, event: Event) {
        let event = match event {
            Event::Log { source, line } => Event::Log { source, line: self.scrubber.scrub(&line) },
            Event::Warning { message } => Event::Warning { message: self.scrubber.scrub(&message) },
            Event::Notice { message } => Event::Notice { message: self.scrubber.scrub(&message) },
            other => other,
        };
        (self.sink)(event);
    }

    /// Emits that a phase begins.
    pub fn phase(&self, phase: Phase) {
        self.emit(Event::Phase { phase });
        crate::fault_point(phase.moment());
    }
}

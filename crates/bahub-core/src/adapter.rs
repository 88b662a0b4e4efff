//! How one kind of data is captured and put back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::capture::Capture;
use crate::census::CensusUnits;
use crate::replay::{Replay, ReplayTarget, Scratch, Stored, Unsupported};
use crate::run::RunPurpose;
use crate::step::{Exit, Step};

/// How one kind of data is captured and put back. Pure: no I/O, no async; everything it wants done is data.
///
/// ```
/// use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
/// use bahub_core::capture::Capture;
/// use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
/// use bahub_core::run::RunPurpose;
/// use bahub_core::step::Step;
///
/// /// The access rules of an LDAP server.
/// #[derive(Debug)]
/// struct Ldap;
///
/// impl Adapter for Ldap {
///     fn capabilities(&self) -> &'static [AdapterCapability] {
///         &[]
///     }
///
///     fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
///         vec![Probe::check(Step::new("slapcat").arg("-VV"))]
///     }
///
///     fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
///         Ok(Capture::of(Step::new("slapcat").args(["-n", "1"])))
///     }
///
///     fn replay(&self, target: &ReplayTarget, _: &Findings, _: &Stored) -> Result<Replay, Unsupported> {
///         if target.location != RestoreTarget::Original {
///             let what = "LDAP is restored to its original place only".to_owned();
///             return Err(Unsupported { what, help: "restore it to where it came from".into() });
///         }
///         Ok(Replay { main: vec![Step::new("slapadd").args(["-n", "1"]).reads_backup()], ..Replay::default() })
///     }
/// }
/// ```
pub trait Adapter: Debug + Send + Sync {
    /// What it can do besides restoring a whole backup to where the data came from. The engine refuses what is not stated
    /// here, and a program offers no more than this.
    fn capabilities(&self) -> &'static [AdapterCapability];

    /// The absolute paths that it reads and writes there; none where it speaks to a server. A transport that brings only
    /// some of the host's files refuses a run that needs others; whether a file exists is for a probe.
    fn required_paths(&self) -> Vec<String> {
        Vec::new()
    }

    /// Quick steps whose failure has a known meaning: a program is missing, a login is refused.
    ///
    /// They run in order before anything is begun or stopped; the first that fails ends the run. Every program of the capture
    /// and of a restore should be probed.
    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe>;

    /// What is read, given what the probes found.
    ///
    /// # Errors
    /// [`Unsupported`] where the probes found nothing that could be backed up, or that a backup could not be restored: a failed check,
    /// before which nothing was begun.
    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported>;

    /// How the backup is put back, given what the probes found and what is known of the stored version.
    ///
    /// Called twice: before the version is looked at, so that an impossible target is refused at once, and after.
    ///
    /// # Errors
    /// [`Unsupported`] for a target that this kind of data, or this version, cannot go to.
    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported>;

    /// A step that removes what restores of dead runs left, and nothing of a live one; the first line that it puts out, if
    /// any, says what. It has five minutes, and runs after the probes of every run, and for `:recover`.
    fn cleanup_stale(&self) -> Option<Step> {
        None
    }

    /// Counts what is there: a line of a number, a space and a name for each thing that a backup holds; `?` in place of an
    /// unknown number. It runs before and after a capture, and over what a drill restored, which must be between the two. It
    /// has an hour.
    fn census(&self, _target: &ReplayTarget) -> Option<Step> {
        None
    }

    /// What the names in the counts of a capture begin with that are of what this target gets, where a capture counts several parts.
    fn census_prefix(&self, _target: &ReplayTarget) -> Option<String> {
        None
    }

    /// The parts of a stored version, as [`ReplayTarget::members`] names them, that a drill of all of it restores one after the other;
    /// none where it restores the whole.
    fn drill_parts(&self, _stored: &Stored) -> Vec<OsString> {
        Vec::new()
    }

    /// What [`Adapter::census`] counts, for sentences such as "2 tables with 5000 rows"; "entries" unless it says otherwise.
    fn census_units(&self) -> CensusUnits {
        CensusUnits::default()
    }

    /// A place beside the original for a drill; `run` is the run's id, for a unique name.
    ///
    /// # Errors
    /// [`Unsupported`] where there can be none.
    fn scratch(&self, _run: &str) -> Result<Scratch, Unsupported> {
        Err(Unsupported {
            what: "this kind of data cannot be restored beside the original".into(),
            help: "{restore elsewhere}, or on another server".into(),
        })
    }

    /// What a user should know before this restore begins, in one sentence; shown with the question whether to go on.
    fn restore_warning(&self, _target: &ReplayTarget) -> Option<String> {
        None
    }

    /// Turns a program's failure into its cause and a way out, where the words are known.
    fn explain(&self, _failure: &StepFailure) -> Option<Diagnosis> {
        None
    }
}

/// Something that not every adapter can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdapterCapability {
    /// It restores into a directory: [`RestoreTarget::Directory`](crate::replay::RestoreTarget::Directory).
    Directory,
    /// It restores into another database: [`RestoreTarget::Database`](crate::replay::RestoreTarget::Database).
    Database,
    /// It restores beside the original for a drill: [`Adapter::scratch`].
    Scratch,
    /// It restores a part: [`ReplayTarget::members`].
    Members,
    /// Its restores build a copy that takes the original's place at the end, and can change the original instead, where
    /// [`ReplayTarget::in_place`] says so.
    InPlace,
    /// It can keep the data that a restore replaces: [`ReplayTarget::keep_old`].
    KeepOld,
    /// Its backups may hold roles or users of the whole server; [`ReplayTarget::with_roles`] is understood.
    Roles,
}

/// A quick step with the meaning of its failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What is run; at most ten seconds.
    pub step: Step,
    /// What the first line of its output is; at most a mebibyte of it.
    pub finding: Option<Finding>,
}

/// What a probe's first line of output is, by its name in [`Findings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A program and its version, for example `tar`: for the report, and for the head of the version.
    Tool(&'static str),
    /// Something that the adapter alone has to know.
    Fact(&'static str),
}

impl Finding {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tool(name) | Self::Fact(name) => name,
        }
    }
}

impl Probe {
    /// A step that only has to succeed.
    pub fn check(step: Step) -> Self {
        Self { step, finding: None }
    }

    /// A step that says which program there is.
    pub fn tool(name: &'static str, step: Step) -> Self {
        Self { step, finding: Some(Finding::Tool(name)) }
    }

    /// A step that says what the adapter has to know.
    pub fn fact(name: &'static str, step: Step) -> Self {
        Self { step, finding: Some(Finding::Fact(name)) }
    }
}

/// What the probes found: the first line of output by the probe's name, for example `tar` → `tar (GNU tar) 1.34`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Findings(pub BTreeMap<String, String>);

impl Findings {
    /// The line that the probe of this name wrote first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A step that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepFailure {
    /// The program that ran, or the names that were looked for.
    pub program: String,
    /// How it ended.
    pub end: StepEnd,
    /// The last lines of its standard error, secrets replaced; at most 8 KiB.
    pub stderr: String,
    /// The part of the backup that it was to read or write, where that has a name.
    pub part: Option<String>,
}

impl StepFailure {
    /// A failure of this program, which said nothing.
    pub fn new(program: impl Into<String>, end: StepEnd) -> Self {
        Self { program: program.into(), end, stderr: String::new(), part: None }
    }

    /// What it said on its standard error.
    #[must_use]
    pub fn with_stderr(self, stderr: impl Into<String>) -> Self {
        Self { stderr: stderr.into(), ..self }
    }
}

/// How a step came to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StepEnd {
    /// None of the names is a program in `PATH`.
    NotFound,
    /// It could not be started, with the system's reason.
    NotStarted(String),
    /// It ended with a failure.
    Ended(Exit),
    /// It ended well, but its output lacks the trailer.
    Incomplete,
    /// It did not end in time and was killed.
    TimedOut {
        /// The limit in seconds.
        seconds: u64,
    },
}

impl std::fmt::Display for StepFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.end {
            StepEnd::NotFound => write!(f, "{} was not found in PATH", self.program)?,
            StepEnd::NotStarted(reason) => write!(f, "{} could not be started: {reason}", self.program)?,
            StepEnd::Ended(exit) => write!(f, "{} failed: {exit}", self.program)?,
            StepEnd::Incomplete => {
                write!(f, "the output of {} is incomplete: its end is missing", self.program)?;
            }
            StepEnd::TimedOut { seconds } => write!(f, "{} did not end within {seconds} s", self.program)?,
        }
        if let Some(part) = &self.part {
            write!(f, ", in {part:?}")?;
        }
        match self.stderr.trim() {
            "" => Ok(()),
            text => write!(f, "; it reported: {text}"),
        }
    }
}

/// What a failure means, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause in one sentence.
    pub cause: String,
    /// The way out.
    pub help: Advice,
}

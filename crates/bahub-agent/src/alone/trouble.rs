//! What ends a run badly, with its exit code.

use bahub_core::keys::{KeyError, KeyErrorKind};
use bahub_core::link::{Failure, FailureKind, LinkError};
use bahub_core::sink::{SinkError, SinkErrorKind};

/// The exit codes of bahub (docs/exit-codes.md), those that can come here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    System = 1,
    Usage = 2,
    Keys = 6,
    Program = 9,
    Store = 10,
    NoVersion = 11,
    Integrity = 12,
    Agent = 13,
    Output = 16,
    Unknown = 70,
    Cancelled = 130,
}

/// What failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Trouble {
    exit: Exit,
    message: String,
    help: Option<String>,
}

impl Trouble {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None }
    }

    /// Adds the way out.
    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        self.with_help_opt(Some(help.into()))
    }

    fn with_help_opt(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// The command line makes no sense.
pub(super) fn usage(what: impl Into<String>) -> Trouble {
    Trouble::new(Exit::Usage, what).with_help("backup-maker --help")
}

/// A signal ended the run.
pub(super) fn cancelled() -> Trouble {
    Trouble::new(Exit::Cancelled, "stopped by a signal")
}

/// The agent broke the protocol.
pub(super) fn nonsense() -> Trouble {
    Trouble::new(Exit::Agent, "the agent gave an answer that does not belong to its job")
}

/// The words about a message that cannot be trusted.
const ANOTHER_VERSION: &str = "use another version (-s NUMBER), and check the server's storage";

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let Failure { kind, message, help } = failure;
        match kind {
            FailureKind::Cancelled => cancelled(),
            FailureKind::Integrity => Self::new(Exit::Integrity, message).with_help(ANOTHER_VERSION),
            // The command's own words were passed on as they came.
            FailureKind::Step(step) => {
                Self::new(Exit::Program, bahub_core::adapter::StepFailure { stderr: String::new(), ..step }.to_string())
            }
            FailureKind::Sink(kind) => Self::new(of_store(kind), message).with_help_opt(help),
            FailureKind::CommitUnknown => Self::new(Exit::Unknown, message).with_help_opt(help),
            FailureKind::Crypto => Self::new(Exit::Keys, message).with_help_opt(help),
            FailureKind::System => Self::new(Exit::System, message).with_help_opt(help),
            FailureKind::Protocol => Self::new(Exit::Agent, message).with_help_opt(help),
        }
    }
}

impl From<SinkError> for Trouble {
    fn from(error: SinkError) -> Self {
        Self::new(of_store(error.kind()), error.chain()).with_help_opt(error.help().map(str::to_owned))
    }
}

fn of_store(kind: SinkErrorKind) -> Exit {
    match kind {
        SinkErrorKind::NotFound => Exit::NoVersion,
        SinkErrorKind::Corrupt => Exit::Integrity,
        _ => Exit::Store,
    }
}

impl From<KeyError> for Trouble {
    fn from(error: KeyError) -> Self {
        let (exit, help) = match error.kind() {
            KeyErrorKind::NotAMessage => (Exit::Integrity, Some(ANOTHER_VERSION)),
            KeyErrorKind::Locked => (Exit::Keys, Some("give the passphrase by BM_PASSPHRASE or --passphrase-file")),
            _ => (Exit::Keys, error.help()),
        };
        Self::new(exit, error.chain()).with_help_opt(help.map(str::to_owned))
    }
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::new(Exit::Agent, error.to_string())
    }
}

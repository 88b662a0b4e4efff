//! What can end a run.

use crate::adapter::{Adapter, StepFailure};
use crate::advice::Advice;
use crate::exit::ExitCode;
use crate::fault::Fault;
use crate::keys::{KeyError, KeyErrorKind};
use crate::link::{Failure, FailureKind, LinkError};
use crate::replay::Unsupported;
use crate::sink::{CommitError, SinkError, SinkErrorKind};
use crate::transport::{TransportError, TransportErrorKind};

/// What kind of thing ended a run; each has its [`ExitCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunErrorKind {
    /// Another run of this backup goes on.
    Locked,
    /// A key is missing, unusable or does not fit.
    Keys,
    /// The host, container or pod cannot be reached or refuses.
    Target,
    /// The agent could not be placed or started, or its connection broke.
    Agent,
    /// A check before the run failed: a program is missing, a login is refused. Nothing was begun.
    Preflight,
    /// A program that captured or restored did not succeed.
    Program,
    /// The store refused, broke off or cannot be reached.
    Store,
    /// There is no such version.
    NoVersion,
    /// A message is damaged, or is not the one that it should be.
    Integrity,
    /// The answer to a commit was lost: there may be a version, or a restore may have taken effect.
    Unknown,
    /// This adapter cannot restore there.
    Unsupported,
    /// The file that was to be written could not be.
    Output,
    /// A restore to another instance than the version's was not confirmed.
    Declined,
    /// A version was made without some parts of the data.
    Partial,
    /// The user ended the run.
    Cancelled,
    /// The run took longer than its `timeout`.
    TimedOut,
    /// Something that was changed could not be brought back.
    Undo,
    /// The system failed: no memory file, no thread, no random numbers.
    System,
    /// bahub or a component failed by a bug.
    Internal,
}

impl RunErrorKind {
    /// The exit code of a run that this ended.
    pub fn exit(self) -> ExitCode {
        match self {
            Self::System => ExitCode::Failed,
            Self::Locked => ExitCode::Locked,
            Self::Keys => ExitCode::Keys,
            Self::Target => ExitCode::Target,
            Self::Preflight => ExitCode::Preflight,
            Self::Program => ExitCode::Program,
            Self::Store => ExitCode::Store,
            Self::NoVersion => ExitCode::NoVersion,
            Self::Integrity => ExitCode::Integrity,
            Self::Agent => ExitCode::Agent,
            Self::TimedOut => ExitCode::Timeout,
            Self::Unsupported => ExitCode::Unsupported,
            Self::Output => ExitCode::Output,
            Self::Declined => ExitCode::Declined,
            Self::Partial => ExitCode::Partial,
            Self::Unknown => ExitCode::Unknown,
            Self::Undo => ExitCode::Undo,
            Self::Internal => ExitCode::Internal,
            Self::Cancelled => ExitCode::Cancelled,
        }
    }
}

/// What ended a run: what failed, on what, and what to do.
pub type RunError = Fault<RunErrorKind>;

impl From<KeyError> for RunError {
    fn from(error: KeyError) -> Self {
        let kind = match error.kind() {
            KeyErrorKind::NotAMessage => RunErrorKind::Integrity,
            _ => RunErrorKind::Keys,
        };
        Self::new(kind, error.chain()).with_help_opt(error.help().cloned())
    }
}

impl From<TransportError> for RunError {
    fn from(error: TransportError) -> Self {
        let kind = match error.kind() {
            TransportErrorKind::Undo => RunErrorKind::Undo,
            TransportErrorKind::Exec | TransportErrorKind::Put | TransportErrorKind::Lost => RunErrorKind::Agent,
            TransportErrorKind::Unreachable | TransportErrorKind::Refused => RunErrorKind::Target,
            TransportErrorKind::NotOwn => RunErrorKind::Preflight,
            TransportErrorKind::Cancelled => RunErrorKind::Cancelled,
        };
        Self::new(kind, error.chain()).with_help_opt(error.help().cloned())
    }
}

impl From<SinkError> for RunError {
    fn from(error: SinkError) -> Self {
        Self::new(of_store(error.kind()), error.chain()).with_help_opt(error.help().cloned())
    }
}

impl From<CommitError> for RunError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(error) => error.into(),
            CommitError::Unknown(error) => unknown(error.chain(), error.help().cloned()),
        }
    }
}

impl From<LinkError> for RunError {
    fn from(error: LinkError) -> Self {
        Self::new(RunErrorKind::Agent, error.to_string()).with_help(
            "nothing was stored or completed: an agent that loses its connection stops its programs and its upload",
        )
    }
}

impl RunError {
    /// A backup that the adapter refuses, knowing what is there.
    pub(super) fn refused(error: Unsupported) -> Self {
        Self::new(RunErrorKind::Preflight, error.what).with_help(error.help)
    }
}

impl From<Unsupported> for RunError {
    fn from(error: Unsupported) -> Self {
        Self::new(RunErrorKind::Unsupported, error.what).with_help(error.help)
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::new(RunErrorKind::System, error.to_string())
    }
}

fn of_store(kind: SinkErrorKind) -> RunErrorKind {
    match kind {
        SinkErrorKind::NotFound => RunErrorKind::NoVersion,
        SinkErrorKind::Corrupt => RunErrorKind::Integrity,
        _ => RunErrorKind::Store,
    }
}

pub(super) fn unknown(message: String, help: Option<Advice>) -> RunError {
    RunError::new(RunErrorKind::Unknown, format!("it is unknown whether the version was committed: {message}"))
        .with_help(help.unwrap_or_else(|| "{list the versions}, then run the backup again".into()))
}

/// Turns an agent's failure into the run's error; the adapter may know what a program's output means.
pub(super) fn of_agent(failure: Failure, adapter: &dyn Adapter, program_kind: RunErrorKind) -> RunError {
    let Failure { kind, message, help } = failure;
    let kind = match kind {
        FailureKind::Step(step) => return of_step(&step, adapter, program_kind),
        FailureKind::CommitUnknown => return unknown(message, help),
        FailureKind::EffectUnknown => RunErrorKind::Unknown,
        FailureKind::Sink(kind) => of_store(kind),
        FailureKind::Integrity => RunErrorKind::Integrity,
        FailureKind::Crypto => RunErrorKind::Keys,
        FailureKind::Cancelled => RunErrorKind::Cancelled,
        FailureKind::System => RunErrorKind::System,
        FailureKind::Protocol => RunErrorKind::Agent,
    };
    RunError::new(kind, message).with_help_opt(help)
}

pub(super) fn of_step(step: &StepFailure, adapter: &dyn Adapter, kind: RunErrorKind) -> RunError {
    match adapter.explain(step) {
        Some(diagnosis) => RunError::new(kind, format!("{} ({step})", diagnosis.cause)).with_help(diagnosis.help),
        None => RunError::new(kind, step.to_string()),
    }
}

//! Turning errors of streams into failures that the controller can judge.

use std::io;

use bahub_core::adapter::{StepEnd, StepFailure};
use bahub_core::link::{Failure, FailureKind};
use bahub_core::step::Exit;
use bahub_crypto::CryptoError;

/// The help for damage.
const ANOTHER: &str = "use another version ({list the versions}), and check the storage, and who can write to it";

/// A failure of a stream that writes a message.
pub(super) fn writing(error: &io::Error) -> Failure {
    match CryptoError::of(error) {
        Some(crypto) => Failure::new(FailureKind::Crypto, crypto.to_string()),
        None => Failure::new(FailureKind::System, format!("cannot write the message: {error}")),
    }
}

/// A failure to give a program its input.
pub(super) fn feeding(error: &io::Error) -> Failure {
    Failure::new(FailureKind::System, format!("cannot write to the restore program: {error}"))
}

/// A failure of a stream that reads a message.
pub(super) fn reading(error: &io::Error) -> Failure {
    match CryptoError::of(error) {
        Some(CryptoError::Source(source)) => {
            Failure::new(FailureKind::Integrity, format!("the message cannot be read to its end: {source}"))
        }
        Some(crypto) if crypto.is_damage() => {
            Failure { kind: FailureKind::Integrity, message: crypto.to_string(), help: Some(ANOTHER.into()) }
        }
        Some(crypto) => Failure::new(FailureKind::Crypto, crypto.to_string()),
        None => Failure {
            kind: FailureKind::Integrity,
            message: format!("the content of the message cannot be read: {error}"),
            help: Some(ANOTHER.into()),
        },
    }
}

/// A thread that ended without a result.
pub(super) fn thread(error: &tokio::task::JoinError) -> Failure {
    Failure::new(FailureKind::System, format!("a thread of the agent ended without a result: {error}"))
}

/// The failure that the others follow from, of programs in the order of their pipeline: the first that is more than a pipe
/// which broke because its reader had ended.
pub(super) fn cause(mut failures: Vec<StepFailure>) -> Option<StepFailure> {
    failures.sort_by_key(|failure| failure.end == StepEnd::Ended(Exit::Signal(13)));
    failures.into_iter().next()
}

/// How many failures are reported in full.
const MAX_REPORTED: usize = 10;

/// The first of these, with the others in its message.
pub(super) fn together(failures: Vec<StepFailure>) -> Option<StepFailure> {
    let count = failures.len();
    let mut failures = failures.into_iter();
    let mut first = failures.next()?;
    for other in failures.take(MAX_REPORTED - 1) {
        first.stderr = format!("{}\nalso: {other}", first.stderr.trim_end());
    }
    if count > MAX_REPORTED {
        first.stderr += &format!("\nand {} more parts failed", count - MAX_REPORTED);
    }
    Some(first)
}

/// The failure of a program that ended well and did not put out what states its success.
pub(super) fn incomplete(program: impl Into<String>) -> StepFailure {
    StepFailure::new(program, StepEnd::Incomplete)
}

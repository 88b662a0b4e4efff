//! What stands inside of the encryption.

use bahub_core::adapter::StepFailure;
use bahub_core::link::{Failure, FailureKind};

/// Whether bahub's own layer lies between the programs and the encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// As a job says: compressed, with facts, and recognised by its first bytes when it is read.
    #[default]
    Layered,
    /// What a program put out is encrypted as it is, and what was encrypted reaches a program as it was, whatever it
    /// looks like: what `gpg --decrypt` gives.
    AsIs,
}

impl Form {
    /// A failure as the controller gets it: a user reads what the own command wrote as it came, and not a second time.
    pub(crate) fn reported(self, failure: Failure) -> Failure {
        match failure.kind {
            FailureKind::Step(step) if self == Self::AsIs => StepFailure::new(step.program, step.end).into(),
            _ => failure,
        }
    }
}

//! What a capture comes to, and what ends it.

use crate::adapter::StepFailure;
use crate::engine::error::RunError;
use crate::link::Failure;
use crate::sink::{Receipt, Upload};

/// What the agent's work came to.
pub(super) struct Captured {
    pub(super) plain: u64,
    pub(super) receipt: Option<Receipt>,
    pub(super) warnings: Vec<String>,
    pub(super) missing: Vec<StepFailure>,
}

/// What an agent says before it falls silent.
pub(super) enum LastWords {
    Done(Captured),
    Failed(Failure),
}

/// Everything is stored, and nothing visible yet.
pub(super) enum Stored {
    /// By the agent, which waits to be asked to commit.
    ByAgent,
    /// By the controller.
    Here { captured: Captured, upload: Box<dyn Upload> },
}

/// Why it came to nothing.
pub(super) enum Broken {
    /// The endpoint of a direct route cannot be reached from where the agent is.
    OutOfReach(RunError),
    Failed(RunError),
}

impl<E: Into<RunError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

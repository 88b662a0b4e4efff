//! Ending a run from outside.

use tokio_util::sync::CancellationToken;

use super::error::{RunError, RunErrorKind};
use crate::run::RunContext;

/// Ends a run from outside; cheap to clone, and all clones end the same run.
///
/// A run whose future is dropped is cancelled too: its work lives in a task of its own, which cleans up.
///
/// ```
/// use bahub_core::engine::{BackupOptions, RunControl};
///
/// let control = RunControl::default();
/// let options = BackupOptions::default().controlled_by(&control);
/// control.cancel(); // from another task, a signal handler, a request that was closed
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct RunControl {
    pub(super) cancelled: CancellationToken,
    pub(super) aborted: CancellationToken,
}

impl RunControl {
    /// Cancels the run: its programs and its upload are ended, and what was stopped is started again.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Whether it was cancelled, or ended at once.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Ends the run at once: nothing is waited for but the undoing of what it changed.
    pub fn abort(&self) {
        self.cancelled.cancel();
        self.aborted.cancel();
    }
}

/// Does something that may be dropped at any point without harm; a cancellation ends it at once.
pub(super) async fn unless_cancelled<T, E: Into<RunError>>(
    cx: &RunContext,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, RunError> {
    tokio::select! {
        biased;
        () = cx.cancel.cancelled() => Err(cancelled()),
        done = work => done.map_err(Into::into),
    }
}

/// The user ended the run.
pub(super) fn cancelled() -> RunError {
    RunError::new(RunErrorKind::Cancelled, "the run was cancelled")
}

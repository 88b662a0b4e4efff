//! Work that blocks, beside the runtime.

use super::error::{RunError, RunErrorKind};

/// Does something that blocks, such as reading key files or stretching a passphrase, beside the runtime.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::new(RunErrorKind::Internal, error.to_string()))
}

//! Where the ciphertext of a capture goes.

use bahub_core::link::{CaptureJob, Failure, FailureKind, FromAgent, LinkError, LinkSender, Route};
use bahub_core::secret::Secret;
use bahub_core::sink::{Receipt, Upload};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::job::JobContext;
use crate::job::source::reached;
use crate::steps::LogLine;

/// Where ciphertext goes.
pub(super) enum Output {
    Relayed(LinkSender<FromAgent>),
    Direct(Box<dyn Upload>),
}

impl Output {
    /// Opens the route of this job; a direct one begins the version.
    pub(super) async fn open(
        job: &CaptureJob,
        cx: &JobContext,
        grant: oneshot::Receiver<Secret>,
    ) -> Result<Self, Failure> {
        match &job.route {
            Route::Relayed => Ok(Self::Relayed(cx.sender.clone())),
            Route::Direct { kind, endpoint } => {
                let sink = reached(kind, endpoint, cx, grant).await?;
                Ok(Self::Direct(cx.unless_cancelled(sink.begin(&job.version)).await?))
            }
        }
    }

    pub(super) async fn write(&mut self, chunk: Bytes) -> Result<(), Failure> {
        match self {
            Self::Relayed(sender) => sender.data(chunk).await.map_err(|error| gone(&error)),
            Self::Direct(upload) => Ok(upload.write(chunk).await?),
        }
    }

    /// Makes the version visible, without as many of its parts as are missing.
    pub(super) async fn commit(self, missing: usize) -> Result<Option<Receipt>, Failure> {
        match self {
            Self::Relayed(_) => Ok(None),
            Self::Direct(upload) => Ok(Some(bahub_core::sink::commit(upload, missing).await?)),
        }
    }

    pub(super) async fn abort(self, log: &LogLine) {
        if let Self::Direct(upload) = self
            && let Err(error) = upload.abort().await
        {
            log("agent", &format!("leftovers of the aborted upload could not be removed: {}", error.chain()));
        }
    }
}

fn gone(error: &LinkError) -> Failure {
    Failure::new(FailureKind::Cancelled, error.to_string())
}

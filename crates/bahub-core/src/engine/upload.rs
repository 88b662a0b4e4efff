//! The controller's end of a relayed upload: a task writes to the store, so that reading from the agent never waits
//! for the store.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::control::cancelled;
use super::error::{RunError, RunErrorKind};
use crate::link::{LinkSender, ToAgent};
use crate::run::RunContext;
use crate::sink::{SinkError, Upload};

/// An upload that is being written. What waits for the store is bounded by the link: an agent sends no more than it has
/// credit for.
pub(super) struct Relay {
    chunks: mpsc::UnboundedSender<Bytes>,
    writing: JoinHandle<Written>,
    /// Gets the store's refusal, once.
    refused: mpsc::Receiver<SinkError>,
    stop: CancellationToken,
}

/// An upload after its last write.
struct Written {
    upload: Box<dyn Upload>,
    /// Whether the store has taken everything that there was.
    is_complete: bool,
}

impl Relay {
    /// Starts to write; the agent gets credit for what the store has taken.
    pub(super) fn start(upload: Box<dyn Upload>, agent: LinkSender<ToAgent>, cx: &RunContext) -> Self {
        let (chunks, waiting) = mpsc::unbounded_channel();
        let (refusal, refused) = mpsc::channel(1);
        let stop = cx.cancel.child_token();
        let writing = tokio::spawn(write(upload, waiting, agent, refusal, stop.clone()));
        Self { chunks, writing, refused, stop }
    }

    /// Takes a chunk; never waits.
    pub(super) fn take(&self, chunk: Bytes) {
        // Where the store has refused, `refused` says so.
        let _ = self.chunks.send(chunk);
    }

    /// Waits until the store refuses the upload; for ever where it does not.
    pub(super) async fn refused(&mut self) -> RunError {
        match self.refused.recv().await {
            Some(error) => error.into(),
            // Its sender is gone before the end only where its task has failed.
            None => RunError::new(RunErrorKind::Internal, "the task that writes to the store failed unexpectedly"),
        }
    }

    /// Waits until the store has taken everything, and returns the upload, to commit it or to abort it.
    pub(super) async fn finish(self) -> Result<(Box<dyn Upload>, Result<(), RunError>), RunError> {
        let Self { chunks, writing, mut refused, stop: _ } = self;
        drop(chunks);
        let written = writing.await.map_err(|error| RunError::new(RunErrorKind::Internal, error.to_string()))?;
        let result = match refused.try_recv() {
            Ok(error) => Err(error.into()),
            Err(_) if written.is_complete => Ok(()),
            Err(_) => Err(cancelled()),
        };
        Ok((written.upload, result))
    }

    /// What stops writing in the middle.
    pub(super) fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Stops writing in the middle, and returns the upload to abort it; none where its task failed.
    pub(super) async fn stop(self) -> Option<Box<dyn Upload>> {
        self.stop.cancel();
        drop(self.chunks);
        self.writing.await.ok().map(|written| written.upload)
    }
}

async fn write(
    mut upload: Box<dyn Upload>,
    mut waiting: mpsc::UnboundedReceiver<Bytes>,
    agent: LinkSender<ToAgent>,
    refusal: mpsc::Sender<SinkError>,
    stop: CancellationToken,
) -> Written {
    while let Some(chunk) = waiting.recv().await {
        let size = chunk.len();
        let written = tokio::select! {
            biased;
            () = stop.cancelled() => return Written { upload, is_complete: false },
            written = upload.write(chunk) => written,
        };
        if let Err(error) = written {
            let _ = refusal.send(error).await;
            return Written { upload, is_complete: false };
        }
        agent.credit(size);
    }
    Written { upload, is_complete: true }
}

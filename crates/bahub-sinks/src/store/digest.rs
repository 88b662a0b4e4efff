//! SHA-256 (OpenSSL's, half as fast again as the others) on its own thread, so that it overlaps with writing or sending.

use bahub_core::hex;
use bahub_core::sink::{SinkError, SinkErrorKind};
use bytes::Bytes;
use openssl::sha::Sha256;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Bytes that are passed on together: one wake-up per two mebibytes instead of one per chunk, and no copy.
pub(super) type Batch = Vec<Bytes>;

/// Collects chunks into batches.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    chunks: Batch,
    bytes: usize,
}

impl Batcher {
    /// A batch is passed on once it has this many bytes.
    pub(super) const BYTES: usize = 2 << 20;
    /// It is passed on with this many chunks, whatever their size; the kernel takes no more at once (`UIO_MAXIOV`).
    const CHUNKS: usize = 1024;

    /// Adds a chunk, and returns the batch if it is full.
    pub(super) fn push(&mut self, chunk: Bytes) -> Option<Batch> {
        if chunk.is_empty() {
            return None;
        }
        self.bytes += chunk.len();
        self.chunks.push(chunk);
        (self.bytes >= Self::BYTES || self.chunks.len() >= Self::CHUNKS).then(|| self.take())
    }

    /// Returns the current batch.
    pub(super) fn take(&mut self) -> Batch {
        self.bytes = 0;
        std::mem::take(&mut self.chunks)
    }
}

/// A SHA-256 that is computed on its own thread.
#[derive(Debug)]
pub(super) struct Hasher {
    batches: mpsc::Sender<Batch>,
    thread: JoinHandle<String>,
}

impl Hasher {
    pub(super) fn start() -> Self {
        let (batches, mut queue) = mpsc::channel::<Batch>(2);
        let thread = tokio::task::spawn_blocking(move || {
            let mut sha256 = Sha256::new();
            while let Some(batch) = queue.blocking_recv() {
                batch.iter().for_each(|chunk| sha256.update(chunk));
            }
            hex::encode(&sha256.finish())
        });
        Self { batches, thread }
    }

    /// Takes more bytes; returns when there is room.
    pub(super) async fn feed(&self, batch: Batch) {
        // The receiver ends before its sender only by a panic, which `finish` reports.
        let _ = self.batches.send(batch).await;
    }

    /// The hexadecimal SHA-256 of everything.
    pub(super) async fn finish(self) -> Result<String, SinkError> {
        drop(self.batches);
        self.thread
            .await
            .map_err(|error| SinkError::new(SinkErrorKind::Other, "the SHA-256 was not computed").with_source(error))
    }
}

/// What to do about a message that differs from what was written.
pub(super) const DAMAGED: &str = "this version cannot be trusted: use another one, and check the storage";

/// The error of a message that is longer or shorter than its version says.
pub(super) fn wrong_size(location: &str, expected: u64, actual: u64) -> SinkError {
    let message = format!("{location} is damaged: it has {actual} bytes, not {expected}");
    SinkError::new(SinkErrorKind::Corrupt, message).with_help(DAMAGED)
}

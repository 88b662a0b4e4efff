//! A message while it is being written.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bahub_core::sink::{SinkError, SinkErrorKind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fault::write_fault;
use super::uncached::Uncached;
use crate::store::digest::Batch;

/// A file that is removed when dropped, unless it was kept.
#[derive(Debug)]
pub(super) struct Leftover {
    path: Option<PathBuf>,
}

impl Leftover {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: Some(path) }
    }

    /// The file has another name now.
    pub(super) fn renamed(&mut self, path: PathBuf) {
        self.path = Some(path);
    }

    pub(super) fn keep(&mut self) {
        self.path = None;
    }

    /// Removes it now; it is not an error if it is already gone.
    pub(super) fn remove(mut self) -> io::Result<()> {
        match self.path.take().map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = std::fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "a partial file could not be removed");
        }
    }
}

/// Opens a file that must not exist yet, for its owner alone.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

enum Work {
    Write(Batch),
    Finish,
}

/// Writes a file on its own thread.
#[derive(Debug)]
pub(super) struct PartWriter {
    work: mpsc::Sender<Work>,
    thread: Option<JoinHandle<Result<u64, SinkError>>>,
}

impl PartWriter {
    pub(super) fn start(file: File, path: PathBuf) -> Self {
        let (work, queue) = mpsc::channel(2);
        let thread = tokio::task::spawn_blocking(move || write_all(file, &path, queue));
        Self { work, thread: Some(thread) }
    }

    /// Takes more bytes; returns when there is room.
    pub(super) async fn feed(&mut self, batch: Batch) -> Result<(), SinkError> {
        match self.work.send(Work::Write(batch)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.outcome().await.err().unwrap_or_else(ended)),
        }
    }

    /// Makes everything durable, and returns the number of bytes written.
    pub(super) async fn finish(mut self) -> Result<u64, SinkError> {
        // If the thread has ended already, its outcome shows why.
        let _ = self.work.send(Work::Finish).await;
        self.outcome().await
    }

    async fn outcome(&mut self) -> Result<u64, SinkError> {
        match self.thread.take() {
            Some(thread) => thread.await.unwrap_or_else(|error| Err(ended().with_source(error))),
            None => Err(ended()),
        }
    }
}

fn ended() -> SinkError {
    SinkError::new(SinkErrorKind::Other, "writing has ended already, with the error that was reported")
}

fn write_all(file: File, path: &Path, mut queue: mpsc::Receiver<Work>) -> Result<u64, SinkError> {
    let mut file = Uncached::new(file);
    loop {
        let done = match queue.blocking_recv() {
            Some(Work::Write(batch)) => file.write(&batch),
            Some(Work::Finish) => file.finish(),
            // Abandoned: the owner of the path removes it.
            None => return Err(ended()),
        };
        done.map_err(|error| write_fault(error, path, file.written()))?;
        if file.finished {
            return Ok(file.written());
        }
    }
}

//! A version being written: a hidden file, which is renamed to a version's name in one step.

use std::path::PathBuf;

use async_trait::async_trait;
use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, Upload, VersionNumber};
use bytes::Bytes;
use tempfile::{Builder, NamedTempFile};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::shelf::{Shelf, fault};

/// A file that no listing takes for a version. Dropping it removes it.
pub(crate) struct ShelfUpload {
    shelf: Shelf,
    part: NamedTempFile,
    file: File,
    size: u64,
}

impl ShelfUpload {
    pub(crate) async fn begin(shelf: Shelf) -> Result<Self, SinkError> {
        blocking(move || {
            let failed = |error| fault(error, "create a file in", shelf.folder());
            // Only its owner can read it: tempfile makes it with mode 0600.
            let part = Builder::new().prefix(".").suffix(".part").tempfile_in(shelf.folder()).map_err(failed)?;
            let file = File::from_std(part.reopen().map_err(failed)?);
            Ok(Self { shelf, part, file, size: 0 })
        })
        .await?
    }

    fn path(&self) -> PathBuf {
        self.part.path().to_owned()
    }
}

#[async_trait]
impl Upload for ShelfUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError> {
        self.size += chunk.len() as u64;
        self.file.write_all(&chunk).await.map_err(|error| fault(error, "write", &self.path()))
    }

    async fn commit(mut self: Box<Self>) -> Result<Receipt, CommitError> {
        // tokio reports the error of the last write here.
        let flushed = self.file.flush().await.map_err(|error| fault(error, "write", &self.path()));
        flushed.map_err(CommitError::Refused)?;
        let synced = self.file.sync_all().await.map_err(|error| fault(error, "sync", &self.path()));
        synced.map_err(CommitError::Refused)?;
        let taken = self.shelf.numbers().await.map_err(CommitError::Refused)?;
        let next = taken.last().map_or(1, |newest| newest.0.saturating_add(1));
        let Self { shelf, part, size, .. } = *self;
        let named = blocking(move || name(&shelf, part, next));
        let (version, location) = named.await.map_err(CommitError::Unknown)??;
        Ok(Receipt::new(version, size, location))
    }

    async fn abort(self: Box<Self>) -> Result<(), SinkError> {
        let path = self.path();
        blocking(move || self.part.close().map_err(|error| fault(error, "remove", &path))).await?
    }
}

/// Gives the file the first free name, starting at `next`. Several programs may do that at once: an existing file is never
/// replaced.
fn name(shelf: &Shelf, mut part: NamedTempFile, next: u64) -> Result<(VersionNumber, String), CommitError> {
    for number in (next..).map(VersionNumber) {
        let path = shelf.path(number);
        match part.persist_noclobber(&path) {
            Ok(_) => {
                // The version can be read from here on. If this fails, it may not survive a power failure.
                let synced = std::fs::File::open(shelf.folder()).and_then(|folder| folder.sync_all());
                synced.map_err(|error| CommitError::Unknown(fault(error, "sync", shelf.folder())))?;
                return Ok((number, path.display().to_string()));
            }
            Err(taken) if path.exists() => part = taken.file,
            Err(refused) => return Err(CommitError::Refused(fault(refused.error, "create", &path))),
        }
    }
    Err(CommitError::Refused(SinkError::new(SinkErrorKind::Other, "no number is left")))
}

/// Runs blocking work off the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SinkError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| SinkError::new(SinkErrorKind::Other, "the work on the folder broke off").with_source(error))
}

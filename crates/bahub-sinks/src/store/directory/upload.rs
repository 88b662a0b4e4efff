//! Writing a version to a directory.

use async_trait::async_trait;
use bahub_core::sink::{CommitError, NewVersion, Receipt, SinkError, Upload};
use bytes::Bytes;

use super::fault::fault;
use super::folder::Folder;
use super::part::{self, Leftover, PartWriter};
use super::{publish, run};
use crate::store::digest::{Batch, Batcher, Hasher};
use crate::store::layout::{self, VersionFile};

/// Writes and hashes on two other threads, with at most some 5 MiB in flight.
///
/// Until the commit the file is `.<utc>-<random>.part`, which is never taken for a message; it is removed by `abort`, by
/// dropping the upload, and by every failure.
#[derive(Debug)]
pub(super) struct DirectoryUpload {
    folder: Folder,
    version: NewVersion,
    stem: String,
    part: Leftover,
    batcher: Batcher,
    writer: PartWriter,
    hasher: Hasher,
    missing: u32,
}

impl DirectoryUpload {
    pub(super) async fn begin(folder: Folder, version: NewVersion) -> Result<Self, SinkError> {
        let stem = layout::unique_stem(&version)?;
        let path = folder.path().join(format!(".{stem}.part"));
        let (folder, path, file) = run(move || {
            folder.create()?;
            let file = part::create(&path).map_err(|error| fault(error, "create", &path))?;
            Ok::<_, SinkError>((folder, path, file))
        })
        .await?;
        let writer = PartWriter::start(file, path.clone());
        let part = Leftover::new(path);
        Ok(Self {
            folder,
            version,
            stem,
            part,
            batcher: Batcher::default(),
            writer,
            hasher: Hasher::start(),
            missing: 0,
        })
    }

    async fn send(&mut self, batch: Batch) -> Result<(), SinkError> {
        // Clones the handles, not the bytes.
        self.hasher.feed(batch.clone()).await;
        self.writer.feed(batch).await
    }
}

#[async_trait]
impl Upload for DirectoryUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError> {
        match self.batcher.push(chunk) {
            Some(batch) => self.send(batch).await,
            None => Ok(()),
        }
    }

    async fn mark_partial(&mut self, missing: u32) -> Result<(), SinkError> {
        self.missing = missing;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Receipt, CommitError> {
        let rest = self.batcher.take();
        self.send(rest).await.map_err(CommitError::Refused)?;
        let Self { folder, version, stem, part, writer, hasher, missing, .. } = *self;
        let size = writer.finish().await.map_err(CommitError::Refused)?;
        let sha256 = hasher.finish().await.map_err(CommitError::Refused)?;
        let file = VersionFile::new(&version, format!("{stem}.pgp"), size, sha256, missing);
        tokio::task::spawn_blocking(move || publish::publish(&folder, part, &file, &stem))
            .await
            .unwrap_or_else(|error| Err(publish::broken_off(error)))
    }

    async fn abort(self: Box<Self>) -> Result<(), SinkError> {
        let Self { folder, part, .. } = *self;
        run(move || part.remove().map_err(|error| fault(error, "remove a partial file from", folder.path()))).await
    }
}

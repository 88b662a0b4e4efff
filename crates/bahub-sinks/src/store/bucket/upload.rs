//! Uploading a version to a bucket.

use async_trait::async_trait;
use bahub_core::sink::{CommitError, NewVersion, Receipt, SinkError, SinkErrorKind, Upload};
use bytes::Bytes;

use super::message::Message;
use super::objects::Objects;
use super::parts::PartSizes;
use super::publish::{self, Numbering};
use crate::store::digest::{Batcher, Hasher};
use crate::store::layout::{self, VersionFile};

/// Fills one part while the previous one is sent; hashes concurrently.
pub(super) struct BucketUpload {
    objects: Objects,
    version: NewVersion,
    name: String,
    numbering: Numbering,
    message: Message,
    sizes: PartSizes,
    part: Vec<Bytes>,
    filled: usize,
    batcher: Batcher,
    hasher: Hasher,
    size: u64,
    missing: u32,
}

impl BucketUpload {
    pub(super) async fn begin(objects: Objects, version: NewVersion) -> Result<Self, SinkError> {
        let numbering = match objects.numbers().await {
            Ok(_) => Numbering::Listed,
            Err(error) if error.kind() == SinkErrorKind::Forbidden => Numbering::Clock,
            Err(error) => return Err(error),
        };
        let name = format!("{}.pgp", layout::unique_stem(&version)?);
        let message = Message::begin(objects.clone(), name.clone()).await?;
        Ok(Self {
            sizes: PartSizes::new(objects.part_size),
            objects,
            version,
            name,
            numbering,
            message,
            part: Vec::new(),
            filled: 0,
            batcher: Batcher::default(),
            hasher: Hasher::start(),
            size: 0,
            missing: 0,
        })
    }

    async fn send_part(&mut self) -> Result<(), SinkError> {
        self.sizes.sent(self.filled);
        self.filled = 0;
        self.message.part(std::mem::take(&mut self.part)).await
    }

    /// Returns the message's SHA-256 once it is an object.
    async fn finish(mut self) -> Result<(Objects, Numbering, VersionFile), SinkError> {
        let last_part = self.filled;
        if self.filled > 0 {
            self.send_part().await?;
        }
        self.hasher.feed(self.batcher.take()).await;
        self.message.finish(self.size, last_part).await?;
        let sha256 = self.hasher.finish().await?;
        let file = VersionFile::new(&self.version, self.name, self.size, sha256, self.missing);
        Ok((self.objects, self.numbering, file))
    }
}

#[async_trait]
impl Upload for BucketUpload {
    async fn write(&mut self, mut chunk: Bytes) -> Result<(), SinkError> {
        self.size += chunk.len() as u64;
        if let Some(batch) = self.batcher.push(chunk.clone()) {
            self.hasher.feed(batch).await;
        }
        while !chunk.is_empty() {
            let room = self.sizes.next() - self.filled;
            let now = chunk.split_to(chunk.len().min(room));
            self.filled += now.len();
            self.part.push(now);
            if self.filled == self.sizes.next() {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    async fn mark_partial(&mut self, missing: u32) -> Result<(), SinkError> {
        self.missing = missing;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<Receipt, CommitError> {
        let (objects, numbering, file) = self.finish().await.map_err(CommitError::Refused)?;
        publish::publish(&objects, numbering, &file).await
    }

    async fn abort(self: Box<Self>) -> Result<(), SinkError> {
        self.message.abort().await
    }
}

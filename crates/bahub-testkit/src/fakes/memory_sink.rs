//! A sink in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bahub_core::sink::{
    CommitError, Download, Encoding, NewVersion, Receipt, Sink, SinkCapability, SinkError, SinkErrorKind, Upload,
    Version, VersionNumber,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// One collection of versions in memory; clones share it.
#[derive(Debug, Clone)]
pub struct MemorySink {
    name: String,
    encoding: Encoding,
    versions: Versions,
    held: watch::Sender<bool>,
    room: usize,
}

/// The versions, oldest first.
#[derive(Clone, Default)]
pub(super) struct Versions(Arc<Mutex<Vec<Stored>>>);

/// A committed version.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) version: Version,
    pub(super) message: Bytes,
}

impl MemorySink {
    /// An empty collection of this name, with its own store. Its messages are binary.
    pub fn new(name: impl Into<String>) -> Self {
        let unique = crate::fixtures::unique();
        Self {
            name: format!("{}-{unique}", name.into()),
            encoding: Encoding::Binary,
            versions: Versions::default(),
            held: watch::Sender::new(false),
            room: usize::MAX,
        }
    }

    /// The same, as the type that engines and suites take.
    pub fn shared(name: impl Into<String>) -> Arc<dyn Sink> {
        Arc::new(Self::new(name))
    }

    /// The same collection with another encoding.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// The same collection with room for this many bytes of a message: writing more fails, as on a full disk.
    #[must_use]
    pub fn with_room(self, bytes: usize) -> Self {
        Self { room: bytes, ..self }
    }

    /// Takes no more bytes until [`release`](Self::release): a writer of more than fits into the buffers is blocked.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Takes bytes again.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// The message of every version, oldest first.
    pub fn messages(&self) -> Vec<Bytes> {
        self.versions.lock().iter().map(|stored| stored.message.clone()).collect()
    }

    /// Stores a message made by another program.
    pub fn put(&self, message: Vec<u8>) {
        self.versions.push(message.into(), 0);
    }

    /// Silently changes a stored message; its listed size and SHA-256 stay.
    ///
    /// # Panics
    /// When there is no such version.
    pub fn tamper(&self, number: VersionNumber, change: impl FnOnce(&mut Vec<u8>)) {
        let mut versions = self.versions.lock();
        let stored = versions.iter_mut().find(|stored| stored.version.number == number);
        let stored = stored.expect("the version was stored before");
        let mut message = stored.message.to_vec();
        change(&mut message);
        stored.message = message.into();
    }

    pub(super) fn versions(&self) -> &Versions {
        &self.versions
    }
}

impl Versions {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a message as a version under the next number.
    pub(super) fn push(&self, message: Bytes, missing: u32) -> Version {
        let mut versions = self.lock();
        let number = VersionNumber(versions.last().map_or(1, |newest| newest.version.number.0 + 1));
        let sha256 = Sha256::digest(&message).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let version = Version::new(number, message.len() as u64, format!("memory {number}"))
            .with_created(jiff::Timestamp::now())
            .with_sha256(sha256)
            .with_missing(missing);
        versions.push(Stored { version: version.clone(), message });
        version
    }
}

impl std::fmt::Debug for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lock().iter().map(|stored| &stored.version)).finish()
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn identity(&self) -> String {
        format!("memory:{}", self.name)
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::List, SinkCapability::Remove, SinkCapability::Partial]
    }

    async fn begin(&self, _version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        let held = self.held.subscribe();
        let (versions, room) = (self.versions.clone(), self.room);
        Ok(Box::new(MemoryUpload { versions, message: BytesMut::new(), held, room, missing: 0 }))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        let found = self.versions.lock().iter().find(|stored| stored.version.number == version).cloned();
        let Stored { version, message } = found.ok_or_else(|| absent(version))?;
        let chunks = (0..message.len()).step_by(64 * 1024).map(move |start| {
            let end = message.len().min(start + 64 * 1024);
            Ok(message.slice(start..end))
        });
        Ok(Download::new(stream::iter(chunks).boxed())
            .with_size(version.size)
            .with_sha256(version.sha256)
            .with_missing(version.missing))
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        Ok(self.versions.lock().iter().map(|stored| stored.version.clone()).collect())
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        let mut versions = self.versions.lock();
        let at = versions.iter().position(|stored| stored.version.number == version).ok_or_else(|| absent(version))?;
        versions.remove(at);
        Ok(())
    }
}

fn absent(version: VersionNumber) -> SinkError {
    SinkError::new(SinkErrorKind::NotFound, format!("there is no {version} in memory"))
}

/// Bytes that are invisible before the commit.
struct MemoryUpload {
    versions: Versions,
    message: BytesMut,
    held: watch::Receiver<bool>,
    room: usize,
    missing: u32,
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError> {
        // A dropped sink holds nothing.
        let _ = self.held.wait_for(|held| !held).await;
        if self.message.len() + chunk.len() > self.room {
            return Err(SinkError::new(SinkErrorKind::NoSpace, format!("there is room for {} bytes", self.room)));
        }
        self.message.extend_from_slice(&chunk);
        Ok(())
    }

    async fn mark_partial(&mut self, missing: u32) -> Result<(), SinkError> {
        self.missing = missing;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<Receipt, CommitError> {
        let Version { number, size, sha256, location, .. } = self.versions.push(self.message.freeze(), self.missing);
        Ok(Receipt::new(number, size, location).with_sha256(sha256))
    }

    async fn abort(self: Box<Self>) -> Result<(), SinkError> {
        Ok(())
    }
}

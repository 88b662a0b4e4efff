//! A sink that tells one lie.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::sink::{
    CommitError, Download, Encoding, NewVersion, Receipt, Sink, SinkCapability, SinkError, Upload, Version,
    VersionNumber,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};

use super::MemorySink;

/// What a sink lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkLie {
    /// A version is visible with its first byte.
    CommitsEarly,
    /// The last chunk is not stored.
    DropsLastChunk,
    /// A commit returns a receipt and stores nothing.
    StoresNothing,
    /// An aborted upload becomes a version.
    KeepsAborted,
    /// A dropped upload becomes a version.
    KeepsDropped,
    /// The list omits the oldest version.
    Forgets,
    /// The list is newest first.
    ListsBackwards,
    /// Reading ends before the last byte, without an error.
    TruncatesReads,
    /// Every version is number 1: the previous one is overwritten.
    ReusesTheNumber,
    /// A missing version reads as an empty one.
    OpensAnything,
    /// A removal removes everything.
    RemovesAll,
    /// The receipt counts one byte too many.
    MiscountsInReceipt,
    /// A partial version is listed as a whole one.
    ForgetsWhatIsMissing,
    /// The identity changes.
    WandersOff,
    /// `Debug` and identity show this password.
    LeaksPassword(&'static str),
}

/// A [`MemorySink`] except for its lie.
#[derive(Debug, Clone)]
pub struct LyingSink {
    honest: MemorySink,
    lie: SinkLie,
}

impl LyingSink {
    /// An empty collection that tells this lie.
    pub fn new(lie: SinkLie) -> Self {
        Self { honest: MemorySink::new("lies"), lie }
    }

    /// The same, as the type that engines and suites take.
    pub fn shared(lie: SinkLie) -> Arc<dyn Sink> {
        Arc::new(Self::new(lie))
    }
}

#[async_trait]
impl Sink for LyingSink {
    fn identity(&self) -> String {
        match self.lie {
            SinkLie::WandersOff => format!("{}/{}", self.honest.identity(), self.honest.versions().lock().len()),
            SinkLie::LeaksPassword(password) => format!("{}?password={password}", self.honest.identity()),
            _ => self.honest.identity(),
        }
    }

    fn encoding(&self) -> Encoding {
        self.honest.encoding()
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        self.honest.capabilities()
    }

    async fn begin(&self, _version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        let upload = LyingUpload { sink: self.clone(), chunks: Vec::new(), early: None, ended: false, missing: 0 };
        Ok(Box::new(upload))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        match (self.lie, self.honest.open(version).await) {
            (SinkLie::TruncatesReads, Ok(mut download)) => {
                let chunks: Vec<_> = download.stream.collect().await;
                let most = chunks.len().saturating_sub(1);
                download.stream = stream::iter(chunks.into_iter().take(most)).boxed();
                Ok(download)
            }
            (SinkLie::OpensAnything, Err(_)) => Ok(Download::new(stream::empty().boxed()).with_size(0)),
            (_, opened) => opened,
        }
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        let mut listed = self.honest.list().await?;
        match self.lie {
            SinkLie::Forgets if listed.len() > 1 => drop(listed.remove(0)),
            SinkLie::ListsBackwards => listed.reverse(),
            SinkLie::ForgetsWhatIsMissing => listed.iter_mut().for_each(|version| version.missing = 0),
            _ => {}
        }
        Ok(listed)
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        self.honest.remove(version).await?;
        if self.lie == SinkLie::RemovesAll {
            self.honest.versions().lock().clear();
        }
        Ok(())
    }
}

struct LyingUpload {
    sink: LyingSink,
    chunks: Vec<Bytes>,
    early: Option<VersionNumber>,
    ended: bool,
    missing: u32,
}

impl LyingUpload {
    fn message(&self) -> Bytes {
        let dropped = usize::from(self.sink.lie == SinkLie::DropsLastChunk);
        let kept = self.chunks.len().saturating_sub(dropped);
        self.chunks[..kept]
            .iter()
            .fold(BytesMut::new(), |mut all, chunk| {
                all.extend_from_slice(chunk);
                all
            })
            .freeze()
    }

    fn store(&self) -> Version {
        let versions = self.sink.honest.versions();
        if self.sink.lie == SinkLie::ReusesTheNumber {
            versions.lock().clear();
        }
        if let Some(early) = self.early {
            versions.lock().retain(|stored| stored.version.number != early);
        }
        versions.push(self.message(), self.missing)
    }
}

#[async_trait]
impl Upload for LyingUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError> {
        self.chunks.push(chunk);
        if self.sink.lie == SinkLie::CommitsEarly {
            self.early = Some(self.store().number);
        }
        Ok(())
    }

    async fn mark_partial(&mut self, missing: u32) -> Result<(), SinkError> {
        self.missing = missing;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Receipt, CommitError> {
        self.ended = true;
        let Version { number, size, sha256, location, .. } = self.store();
        match self.sink.lie {
            SinkLie::StoresNothing => {
                self.sink.honest.versions().lock().retain(|stored| stored.version.number != number)
            }
            SinkLie::MiscountsInReceipt => {
                return Ok(Receipt::new(number, size + 1, location).with_sha256(sha256));
            }
            _ => {}
        }
        Ok(Receipt::new(number, size, location).with_sha256(sha256))
    }

    async fn abort(mut self: Box<Self>) -> Result<(), SinkError> {
        self.ended = true;
        if self.sink.lie == SinkLie::KeepsAborted {
            self.store();
        }
        Ok(())
    }
}

impl Drop for LyingUpload {
    fn drop(&mut self) {
        if self.sink.lie == SinkLie::KeepsDropped && !self.ended {
            self.store();
        }
    }
}

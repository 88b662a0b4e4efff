//! Versions in a directory or a bucket; [`layout`] says how they lie there.

#[cfg(feature = "s3")]
mod bucket;
mod config;
mod digest;
mod directory;
mod file_url;
pub mod layout;
mod listing;

use async_trait::async_trait;
use bahub_core::registry::{SinkComponent, SinkContext, SpecError};
use bahub_core::sink::{Download, Encoding, NewVersion, Orphan, Sink, SinkError, Upload, Version, VersionNumber};

#[cfg(feature = "s3")]
pub use bucket::Bucket;
pub use config::StoreConfig;
pub use directory::Directory;

/// A collection in whichever place the scheme of its URL names.
#[derive(Debug)]
pub struct Store {
    place: Box<dyn Sink>,
}

impl SinkComponent for Store {
    const TYPE: &'static str = "bahub.sinks.store";
    const SCHEMES: &'static [&'static str] = if cfg!(feature = "s3") { &["file", "s3"] } else { &["file"] };
    const SUMMARY: &'static str = "A directory of the controller, or a bucket of an object store that speaks S3.";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = StoreConfig;

    fn from_config(config: StoreConfig, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        config.place(context).map(|place| Self { place })
    }
}

#[async_trait]
impl Sink for Store {
    fn identity(&self) -> String {
        self.place.identity()
    }

    fn encoding(&self) -> Encoding {
        self.place.encoding()
    }

    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        self.place.begin(version).await
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        self.place.open(version).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        self.place.list().await
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        self.place.remove(version).await
    }

    async fn orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        self.place.orphans().await
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.place.close().await
    }
}

//! A collection in a bucket of an object store that speaks S3.
//!
//! Writing needs the right to put objects, and no other: if listing is forbidden the number is the time; if aborting or
//! deleting is forbidden, leftovers stay for the bucket's lifecycle rules.

mod access;
mod config;
mod download;
mod fault;
mod message;
mod objects;
mod orphans;
mod parts;
mod publish;
mod upload;

use async_trait::async_trait;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::sink::{
    Download, Encoding, NewVersion, Orphan, Sink, SinkCapability, SinkError, Upload, Version, VersionNumber,
};

use super::collection;
use access::{Access, Keys};
use objects::Objects;

pub use config::BucketConfig;

/// The versions of one collection below a prefix of a bucket; [`layout`](super::layout) describes how they are stored.
#[derive(Debug)]
pub struct Bucket {
    objects: Objects,
}

impl Component for Bucket {
    const TYPE: &'static str = "bahub.sinks.s3";
    const ALIASES: &'static [&'static str] = &["s3"];
    const SUMMARY: &'static str = "A bucket of an S3-compatible object store";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = BucketConfig;
    type Context = SinkContext;

    fn from_config(config: BucketConfig, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        let collection = collection(context)?;
        match Objects::open(config.access(context)?, collection) {
            Ok(objects) => Ok(Self { objects }),
            Err(error) => Err(vec![SpecError::new("", error.chain())]),
        }
    }
}

#[async_trait]
impl Sink for Bucket {
    fn identity(&self) -> String {
        self.objects.identity()
    }

    fn encoding(&self) -> Encoding {
        Encoding::Binary
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::List, SinkCapability::Remove, SinkCapability::Partial, SinkCapability::Tags]
    }

    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        Ok(Box::new(upload::BucketUpload::begin(self.objects.clone(), version.clone()).await?))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        download::open(&self.objects, version.0).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        let listing = self.objects.listing().await?;
        Ok(listing.versions(self.objects.place(), |message| self.objects.location(message)))
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        self.objects.remove(version.0).await
    }

    async fn orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        orphans::find(&self.objects, jiff::Timestamp::now()).await
    }

    async fn remove_orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        orphans::remove(&self.objects, jiff::Timestamp::now()).await
    }
}

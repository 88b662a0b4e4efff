//! Versions in a collection of a Backup Repository server (riotkit-org/backup-repository).
//!
//! The server takes ASCII-armoured messages over HTTP, numbers them, rotates them by itself, and registers a version
//! some 2 seconds after its last byte. Its `200` alone is no commit: the version must be in its listing.

mod answer;
mod api;
mod call;
mod config;
mod direct;
mod download;
mod framer;
mod listing;
mod session;
mod settle;
mod upload;

use async_trait::async_trait;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::sink::{
    AgentSink, Download, Encoding, NewVersion, Purpose, Sink, SinkCapability, SinkError, SinkErrorKind, Upload,
    Version, VersionNumber,
};

use api::Api;
use session::{Role, Sessions};

pub use config::RepositoryConfig;
pub use direct::DirectRepository;

/// One collection of a Backup Repository server.
///
/// With a username and a password it logs in once per run and purpose, with a token that is limited to this purpose on this
/// collection, and that [`Sink::close`] revokes.
#[derive(Debug)]
pub struct Repository {
    api: Api,
    sessions: Sessions,
}

impl Component for Repository {
    const TYPE: &'static str = "bahub.sinks.repository";
    const ALIASES: &'static [&'static str] = &["https", "http"];
    const SUMMARY: &'static str = "A collection on a Backup Repository server, with a token or a login for each run";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = RepositoryConfig;
    type Context = SinkContext;

    fn from_config(config: RepositoryConfig, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        config.build(context)
    }
}

#[async_trait]
impl Sink for Repository {
    fn identity(&self) -> String {
        format!("{}#{}", self.api.place(), self.api.collection())
    }

    fn encoding(&self) -> Encoding {
        Encoding::Armoured
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::Delegate, SinkCapability::List, SinkCapability::Remove]
    }

    async fn delegate(&self, purpose: Purpose) -> Result<Option<AgentSink>, SinkError> {
        let role = match purpose {
            Purpose::Upload(_) => Role::Uploader,
            Purpose::Download(_) => Role::Downloader,
        };
        let session = self.sessions.of(&self.api, role).await?;
        direct::grant(&session).map(Some)
    }

    async fn begin(&self, _version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        let session = self.sessions.of(&self.api, Role::Uploader).await?;
        Ok(Box::new(upload::RepositoryUpload::begin(session).await?))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        let session = self.sessions.of(&self.api, Role::Downloader).await?;
        download::open(session, version).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        let session = self.sessions.of(&self.api, Role::Downloader).await?;
        let mut versions: Vec<_> =
            listing::list(&session).await?.iter().map(|entry| entry.to_version(&self.api)).collect();
        versions.sort_by_key(|version| version.number);
        Ok(versions)
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        let message =
            format!("{version} of {} cannot be removed: the server's API has no call for it", self.identity());
        Err(SinkError::new(SinkErrorKind::Refused, message)
            .with_help("the server rotates by itself: set maxBackupsCount of the collection"))
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.sessions.close().await
    }
}

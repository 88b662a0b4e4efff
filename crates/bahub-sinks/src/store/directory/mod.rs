//! A collection in a directory of this machine.

mod config;
mod download;
mod fault;
mod folder;
mod orphans;
mod part;
mod publish;
mod uncached;
mod upload;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::sink::{
    Download, Encoding, NewVersion, Orphan, Sink, SinkCapability, SinkError, SinkErrorKind, Upload, Version,
    VersionNumber,
};

use super::{collection, file_url};
use folder::Folder;

pub use config::DirectoryConfig;

/// The versions of one collection in their own folder; [`layout`](super::layout) describes how they are stored.
///
/// Folders are created with mode 0700 and files with 0600. Several programs may write to one collection at once.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
    folder: Folder,
}

impl Directory {
    /// The collection of this name below `root`; nothing is created before the first upload.
    pub(crate) fn new(root: PathBuf, collection: &str) -> Self {
        let folder = Folder::new(root.join(collection));
        Self { root, folder }
    }

    /// Runs blocking work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let folder = self.folder.clone();
        run(move || work(&folder)).await
    }
}

impl Component for Directory {
    const TYPE: &'static str = "bahub.sinks.directory";
    const ALIASES: &'static [&'static str] = &["file"];
    const SUMMARY: &'static str = "A directory on the host that runs bahub";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = DirectoryConfig;
    type Context = SinkContext;

    fn from_config(config: DirectoryConfig, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        let collection = collection(context)?;
        let root = file_url::path(&config.url, &context.folder).map_err(|error| vec![error])?;
        Ok(Self::new(root, collection))
    }
}

#[async_trait]
impl Sink for Directory {
    fn identity(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default();
        format!("file://{}", canonical(&self.root).join(name).display())
    }

    fn encoding(&self) -> Encoding {
        Encoding::Binary
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::List, SinkCapability::Remove, SinkCapability::Partial, SinkCapability::Tags]
    }

    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        let upload = upload::DirectoryUpload::begin(self.folder.clone(), version.clone()).await?;
        Ok(Box::new(upload))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        self.blocking(move |folder| download::open(folder, version.0)).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        self.blocking(|folder| {
            let location = |message: &str| folder.path().join(message).display().to_string();
            Ok(folder.listing()?.versions(&folder.path().display().to_string(), location))
        })
        .await
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        self.blocking(move |folder| folder.remove(version.0)).await
    }

    async fn orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        self.blocking(|folder| orphans::find(folder, jiff::Timestamp::now())).await
    }

    async fn remove_orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        self.blocking(|folder| orphans::remove(folder, jiff::Timestamp::now())).await
    }
}

/// Runs blocking work off the async threads.
async fn run<T: Send + 'static, E: From<SinkError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(SinkError::new(SinkErrorKind::Other, "the task that uses the directory failed").with_source(error).into())
    })
}

/// The path without links and dots, as far as it exists already.
fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for known in absolute.ancestors() {
        if let Ok(real) = known.canonicalize() {
            let rest = absolute.strip_prefix(known).unwrap_or(Path::new(""));
            return real.join(rest);
        }
    }
    absolute
}

//! The sink: listing, reading, removing.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::sink::{
    Download, Encoding, NewVersion, Sink, SinkCapability, SinkError, SinkErrorKind, Upload, Version, VersionNumber,
};
use bytes::BytesMut;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::fs::{self, File};
use tokio::io::AsyncReadExt;

use crate::config::{ShelfConfig, check_collection};
use crate::upload::ShelfUpload;

/// The maximal size of one read.
const CHUNK: usize = 256 << 10;

/// The versions of one collection among the files of a folder.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
    collection: String,
}

impl Component for Shelf {
    const TYPE: &'static str = "acme.sinks.shelf";
    const ALIASES: &'static [&'static str] = &["shelf"];
    const SUMMARY: &'static str = "One folder for the versions of every collection, a file each";
    const EXAMPLE: &'static str = "# The folder, which must exist.\nurl: shelf:///srv/versions\n";
    type Config = ShelfConfig;
    type Context = SinkContext;

    fn from_config(config: ShelfConfig, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        match (config.folder(), check_collection(&context.collection)) {
            (Ok(folder), Ok(())) => Ok(Self { folder, collection: context.collection.clone() }),
            // All errors are reported at once.
            (folder, collection) => Err(folder.err().into_iter().chain(collection.err()).collect()),
        }
    }
}

#[async_trait]
impl Sink for Shelf {
    fn identity(&self) -> String {
        format!("shelf://{}/{}", self.folder.display(), self.collection)
    }

    fn encoding(&self) -> Encoding {
        Encoding::Binary
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::List, SinkCapability::Remove]
    }

    async fn begin(&self, _version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        Ok(Box::new(ShelfUpload::begin(self.clone()).await?))
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        let path = self.path(version);
        let file = File::open(&path).await.map_err(|error| fault(error, "open", &path))?;
        let size = file.metadata().await.map_err(|error| fault(error, "inspect", &path))?.len();
        let chunks = stream::try_unfold((file, path, size), |(mut file, path, left)| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            file.read_buf(&mut chunk).await.map_err(|error| fault(error, "read", &path))?;
            match left.checked_sub(chunk.len() as u64) {
                Some(0) if chunk.is_empty() => Ok(None),
                Some(left) if !chunk.is_empty() => Ok(Some((chunk.freeze(), (file, path, left)))),
                // A reader must not mistake a part for the whole.
                _ => Err(SinkError::new(SinkErrorKind::Corrupt, format!("{} changed its size", path.display()))),
            }
        });
        Ok(Download::new(chunks.boxed()).with_size(size))
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        let mut versions = Vec::new();
        for number in self.numbers().await? {
            let path = self.path(number);
            let about = match fs::metadata(&path).await {
                Ok(about) => about,
                // Removed since its name was read.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(fault(error, "inspect", &path)),
            };
            let created = about.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            versions.push(Version::new(number, about.len(), path.display().to_string()).with_created(created));
        }
        Ok(versions)
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        let path = self.path(version);
        fs::remove_file(&path).await.map_err(|error| fault(error, "remove", &path))
    }
}

impl Shelf {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of this version.
    pub(crate) fn path(&self, VersionNumber(number): VersionNumber) -> PathBuf {
        self.folder.join(format!("{}.{number:06}.pgp", self.collection))
    }

    /// The number of a file of this collection. 42 for `shop.000042.pgp`; none for `shop.old.000042.pgp`, which belongs to
    /// `shop.old`.
    fn number(&self, name: &str) -> Option<VersionNumber> {
        let digits = name.strip_prefix(self.collection.as_str())?.strip_prefix('.')?.strip_suffix(".pgp")?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok().map(VersionNumber))?
    }

    /// The numbers in use, in order.
    pub(crate) async fn numbers(&self) -> Result<Vec<VersionNumber>, SinkError> {
        let failed = |error| fault(error, "list", &self.folder);
        let mut entries = fs::read_dir(&self.folder).await.map_err(failed)?;
        let mut numbers = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            numbers.extend(entry.file_name().to_str().and_then(|name| self.number(name)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// An error with its path: a message names the failed operation and its object.
pub(crate) fn fault(error: io::Error, doing: &str, path: &Path) -> SinkError {
    let kind = match error.kind() {
        ErrorKind::NotFound => SinkErrorKind::NotFound,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => SinkErrorKind::Forbidden,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SinkErrorKind::NoSpace,
        _ => SinkErrorKind::Other,
    };
    SinkError::new(kind, format!("cannot {doing} {}", path.display())).with_source(error)
}

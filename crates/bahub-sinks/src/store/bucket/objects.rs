//! The objects of one collection.

use std::time::Duration;

use bahub_core::sink::{SinkError, SinkErrorKind};
use futures::{StreamExt, TryStreamExt, stream};
use opendal::{Entry, Error, ErrorKind};
use tokio::time::timeout;

use super::access::{Access, Operators};
use super::fault::{fault, silent};
use crate::store::layout::{self, VersionFile};
use crate::store::listing::Listing;

/// This many version files are read at a time.
const AT_ONCE: usize = 16;

/// One collection's prefix. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    pub(super) operators: Operators,
    pub(super) part_size: Option<usize>,
    /// `s3://bucket/prefix/collection`.
    place: String,
    endpoint: String,
    patience: Duration,
}

impl Objects {
    pub(super) fn open(access: Access, collection: &str) -> Result<Self, SinkError> {
        let operators = access.operators(collection)?;
        let parts = [access.bucket.as_str(), &access.prefix, collection];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let endpoint = access.endpoint.unwrap_or_default();
        Ok(Self {
            operators,
            part_size: access.part_size,
            patience: access.patience,
            place: format!("s3://{}", parts.join("/")),
            endpoint,
        })
    }

    pub(super) fn identity(&self) -> String {
        format!("{}@{}", self.place, self.endpoint)
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Where an object is, for messages.
    pub(super) fn location(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    /// Runs an operation other than a transfer, and gives up if the store stays silent. `doing` completes "cannot ...".
    pub(super) async fn timed<T>(
        &self,
        doing: &str,
        work: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, SinkError> {
        timeout(self.patience, work.into_future()).await.map_err(|_| silent(doing, self.patience))
    }

    /// As [`Objects::timed`], with the store's refusal as an error.
    pub(super) async fn done<T>(
        &self,
        doing: &str,
        work: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Result<T, SinkError> {
        self.timed(doing, work).await?.map_err(|error| fault(&error, doing))
    }

    /// How long the transfer of this many bytes may take: time for 64 KiB per second, plus the timeout.
    pub(super) fn patience(&self, bytes: usize) -> Duration {
        self.patience + Duration::from_secs(bytes as u64 / (64 << 10))
    }

    /// What is in the collection.
    pub(super) async fn entries(&self) -> Result<Vec<Entry>, SinkError> {
        self.done(&format!("list {}", self.place), self.operators.retrying.list("")).await
    }

    /// The numbers in use, sorted.
    pub(super) async fn numbers(&self) -> Result<Vec<u64>, SinkError> {
        Ok(numbers(&self.entries().await?))
    }

    /// Every version, including damaged ones.
    pub(super) async fn listing(&self) -> Result<Listing, SinkError> {
        let read =
            stream::iter(self.numbers().await?).map(|number| async move { Ok((number, self.version(number).await)) });
        let read: Vec<_> = read.buffered(AT_ONCE).try_collect().await?;
        let mut listing = Listing::default();
        for (number, version) in read {
            listing.add(number, version)?;
        }
        Ok(listing)
    }

    /// The version of this number.
    pub(super) async fn version(&self, number: u64) -> Result<VersionFile, SinkError> {
        let name = layout::version_file_name(number);
        let doing = format!("read {}", self.location(&name));
        match self.timed(&doing, self.small(&name)).await? {
            Ok(text) => VersionFile::decode(&text, number, &self.location(&name)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("there is no version v{number} in {}", self.place);
                Err(SinkError::new(SinkErrorKind::NotFound, message).with_help("{list the versions}"))
            }
            Err(error) => Err(fault(&error, &doing)),
        }
    }

    /// A small object; of a larger one than any version file only the beginning.
    async fn small(&self, name: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = self.operators.retrying.reader(name).await?.into_stream(..).await?;
        let mut text = Vec::new();
        while text.len() < layout::LARGEST_VERSION_FILE as usize
            && let Some(buffer) = bytes.try_next().await?
        {
            text.extend(buffer.to_bytes());
        }
        Ok(text)
    }

    /// Removes the version, then its message: if interrupted between the two it leaves an orphan, never a version without
    /// a message.
    pub(super) async fn remove(&self, number: u64) -> Result<(), SinkError> {
        let message = match self.version(number).await {
            Ok(file) => Some(file.message),
            // Its message is not known, and becomes an orphan.
            Err(error) if error.kind() == SinkErrorKind::Corrupt => None,
            Err(error) => return Err(error),
        };
        for name in [Some(layout::version_file_name(number)), message].into_iter().flatten() {
            self.delete(&name).await?;
        }
        Ok(())
    }

    /// Removes an object.
    pub(super) async fn delete(&self, name: &str) -> Result<(), SinkError> {
        let doing = format!("remove {}", self.location(name));
        self.done(&doing, self.operators.retrying.delete(name)).await
    }
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    let mut numbers: Vec<_> =
        entries.iter().filter_map(|entry| layout::parse_version_file_name(entry.name())).collect();
    numbers.sort_unstable();
    numbers
}

//! Reading a message from a bucket.

use std::time::Duration;

use bahub_core::sink::{Download, SinkError, SinkErrorKind};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use opendal::{Buffer, BufferStream, Error, ErrorKind};
use tokio::time::timeout;

use super::fault::{fault, silent};
use super::objects::Objects;
use crate::store::digest::{DAMAGED, wrong_size};

/// Opens the message of a version. One of another size ends in an error; the SHA-256 is compared by the reader, which
/// computes it anyway.
pub(super) async fn open(objects: &Objects, number: u64) -> Result<Download, SinkError> {
    let version = objects.version(number).await?;
    let location = objects.location(&version.message);
    let refused = |error: &Error| match error.kind() {
        ErrorKind::NotFound => {
            SinkError::new(SinkErrorKind::Corrupt, format!("the message of v{number} is missing: {location}"))
                .with_help(DAMAGED)
        }
        _ => fault(error, &format!("read {location}")),
    };
    let opened = async {
        let mut bytes = objects.operators.retrying.reader(&version.message).await?.into_stream(..).await?;
        // The first read sends the request: a missing message is reported here, and not in mid-stream.
        let first = bytes.try_next().await?;
        Ok((bytes, first))
    };
    let (bytes, first) = objects.timed(&format!("read {location}"), opened).await?.map_err(|error| refused(&error))?;
    let size = version.size;
    let reading = Reading { bytes, next: first, seen: 0, size, location, patience: objects.patience(0) };
    let stream = stream::unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        match reading.read().await.transpose()? {
            Ok(chunk) => Some((Ok(chunk), Some(reading))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let download = Download::new(stream.boxed()).with_size(version.size).with_sha256(version.sha256);
    Ok(download.with_instance(version.instance).with_missing(version.missing))
}

struct Reading {
    bytes: BufferStream,
    next: Option<Buffer>,
    seen: u64,
    size: u64,
    location: String,
    patience: Duration,
}

impl Reading {
    async fn read(&mut self) -> Result<Option<Bytes>, SinkError> {
        let doing = || format!("read {}", self.location);
        let buffer = match self.next.take() {
            Some(first) => Some(first),
            None => match timeout(self.patience, self.bytes.try_next()).await {
                Ok(read) => read.map_err(|error| fault(&error, &doing()))?,
                Err(_) => return Err(silent(&doing(), self.patience)),
            },
        };
        self.seen += buffer.as_ref().map_or(0, |buffer| buffer.len() as u64);
        let over = buffer.is_none();
        if self.seen > self.size || (over && self.seen != self.size) {
            return Err(wrong_size(&self.location, self.size, self.seen));
        }
        Ok(buffer.map(|buffer| buffer.to_bytes()))
    }
}

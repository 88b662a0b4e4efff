//! Reading a message from a bucket, checked to its last byte.

use std::time::Duration;

use bahub_core::sink::{Download, SinkError, SinkErrorKind};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use opendal::{Buffer, BufferStream, Error, ErrorKind};
use tokio::time::timeout;

use super::fault::{fault, silent};
use super::objects::Objects;
use crate::store::digest::{Checked, DAMAGED};

/// Opens the message of a version. Its last bytes are given only once size and SHA-256 are right.
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
        // The request is made by the first read: a missing message is told here, and not in mid-stream.
        let first = bytes.try_next().await?;
        Ok((bytes, first))
    };
    let (bytes, first) = objects.timed(&format!("read {location}"), opened).await?.map_err(|error| refused(&error))?;
    let checked = Checked::new(version.size, &version.sha256, location.clone());
    let reading = Reading { bytes, next: first, held: None, checked, location, patience: objects.patience(0) };
    let stream = stream::unfold(Some(reading), async |reading| match reading?.step().await {
        Ok((chunk, reading)) => Some((Ok(chunk), reading)),
        Err(error) => Some((Err(error), None)),
    });
    Ok(Download { size: Some(version.size), sha256: Some(version.sha256), stream: stream.boxed() })
}

struct Reading {
    bytes: BufferStream,
    next: Option<Buffer>,
    /// What was read last, and is not given before more comes or all is known to be right.
    held: Option<Bytes>,
    checked: Checked,
    location: String,
    patience: Duration,
}

impl Reading {
    async fn step(mut self) -> Result<(Bytes, Option<Self>), SinkError> {
        loop {
            let Some(buffer) = self.read().await? else {
                self.checked.verdict()?;
                return Ok((self.held.unwrap_or_default(), None));
            };
            let chunk = buffer.to_bytes();
            self.checked.take(&chunk);
            if let Some(chunk) = self.held.replace(chunk) {
                return Ok((chunk, Some(self)));
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Buffer>, SinkError> {
        if let Some(first) = self.next.take() {
            return Ok(Some(first));
        }
        let doing = || format!("read {}", self.location);
        match timeout(self.patience, self.bytes.try_next()).await {
            Ok(Ok(buffer)) => Ok(buffer),
            Ok(Err(error)) => Err(fault(&error, &doing())),
            Err(_) => Err(silent(&doing(), self.patience)),
        }
    }
}

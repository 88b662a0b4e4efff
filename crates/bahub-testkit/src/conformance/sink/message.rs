//! Messages to store, and helpers to write and read them.

use bahub_core::sink::{CommitError, Encoding, NewVersion, Receipt, Sink, SinkError, Upload, VersionNumber};
use bytes::Bytes;
use futures::StreamExt;

use super::super::report::Checked;
use crate::fixtures::noise;

/// Sizes of chunks that match no block size: they are used in turn.
pub(super) const ODD_CHUNKS: &[usize] = &[1, 4095, 65_536, 7, 262_144, 0, 131_071, 3];

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// About `size` bytes that the sink must accept: noise, or what looks like an armoured message. No two are equal.
pub(super) fn message(sink: &dyn Sink, size: usize) -> Bytes {
    match sink.encoding() {
        Encoding::Binary => noise(size).into(),
        Encoding::Armoured => armoured(size).into(),
    }
}

fn armoured(size: usize) -> Vec<u8> {
    let mut text = b"-----BEGIN PGP MESSAGE-----\n\n".to_vec();
    let lines = size / 65 + 1;
    for line in noise(lines * 64).chunks_exact(64) {
        text.extend(line.iter().map(|byte| BASE64[usize::from(byte & 63)]));
        text.push(b'\n');
    }
    text.extend_from_slice(b"=aAbB\n-----END PGP MESSAGE-----\n");
    text
}

pub(super) fn new_version() -> NewVersion {
    let mut version = NewVersion::new(jiff::Timestamp::now(), "bahub.conformance");
    version.recipients = vec!["2FB13C38E3A1F87B5C6B2B0D1E4B1C7C7C1D3F5A".into()];
    version
}

pub(super) async fn begin(sink: &dyn Sink) -> Checked<Box<dyn Upload>> {
    sink.begin(&new_version()).await.map_err(|error| format!("begin failed: {}", error.chain()))
}

/// Writes all of it, in chunks of these sizes in turn.
pub(super) async fn write(upload: &mut dyn Upload, message: &Bytes, chunks: &[usize]) -> Result<(), SinkError> {
    let mut rest = message.clone();
    let mut sizes = chunks.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| rest.len().min(*size));
        upload.write(rest.split_to(size)).await?;
    }
    Ok(())
}

/// Begins, writes and commits.
pub(super) async fn store_in(sink: &dyn Sink, message: &Bytes, chunks: &[usize]) -> Result<Receipt, CommitError> {
    let mut upload = sink.begin(&new_version()).await.map_err(CommitError::Refused)?;
    write(upload.as_mut(), message, chunks).await.map_err(CommitError::Refused)?;
    upload.commit().await
}

/// Begins, writes and commits; returns a message if it fails.
pub(super) async fn store(sink: &dyn Sink, message: &Bytes) -> Checked<Receipt> {
    let stored = store_in(sink, message, &[64 * 1024]).await;
    stored.map_err(|error| format!("a message of {} bytes was not stored: {}", message.len(), chain(&error)))
}

pub(super) fn chain(error: &CommitError) -> String {
    let (CommitError::Refused(fault) | CommitError::Unknown(fault)) = error;
    format!("{error} ({})", fault.chain())
}

/// Reads a version to its end.
pub(super) async fn fetch(sink: &dyn Sink, number: VersionNumber) -> Checked<Vec<u8>> {
    let failed = |error: SinkError| format!("{number} cannot be read: {}", error.chain());
    let mut download = sink.open(number).await.map_err(failed)?;
    let mut content = Vec::new();
    while let Some(chunk) = download.stream.next().await {
        content.extend_from_slice(&chunk.map_err(failed)?);
    }
    Ok(content)
}

/// Reads a version to its end and compares.
pub(super) async fn fetch_same(sink: &dyn Sink, number: VersionNumber, message: &Bytes) -> Checked {
    let content = fetch(sink, number).await?;
    ensure!(
        content.len() == message.len(),
        "{} bytes of {number} were stored, {} came back",
        message.len(),
        content.len()
    );
    let differs = content.iter().zip(message).position(|(one, other)| one != other);
    differs.map_or(Ok(()), |at| Err(format!("{number} came back with another byte at {at}")))
}

pub(super) async fn numbers(sink: &dyn Sink) -> Checked<Vec<u64>> {
    let listed = sink.list().await.map_err(|error| format!("list failed: {}", error.chain()))?;
    Ok(listed.iter().map(|version| version.number.0).collect())
}

//! Helpers that several tests share.

#[cfg(feature = "s3")]
pub(crate) mod s3;

#[cfg(feature = "store")]
use std::path::Path;

use bahub_core::instance::{Identity, InstanceKind};
#[cfg(feature = "store")]
use bahub_core::registry::Component;
use bahub_core::registry::SinkContext;
use bahub_core::sink::{CommitError, Download, NewVersion, Receipt, Sink, SinkError, SinkErrorKind, VersionNumber};
#[cfg(feature = "store")]
use bahub_sinks::store::Directory;
use bytes::Bytes;
use futures::TryStreamExt;

pub(crate) fn context(collection: &str) -> SinkContext {
    SinkContext::new(collection, "/")
}

/// A directory store below `root`.
#[cfg(feature = "store")]
pub(crate) fn directory(root: &Path, collection: &str) -> Directory {
    let config = serde_json::json!({ "url": format!("file://{}", root.display()) });
    Directory::from_config(serde_json::from_value(config).unwrap(), &context(collection)).unwrap()
}

pub(crate) fn new_version() -> NewVersion {
    let mut version = NewVersion::new(jiff::Timestamp::now(), "bahub.adapters.filesystem");
    version.compression = "zstd".into();
    version.recipients = vec!["2FB13C38E3A1F87B5C6B2B0D1E4B1C7C7C1D3F5A".into()];
    version.bahub = "0.1.0".into();
    version.instance = Some(Identity::new(InstanceKind::Host, "web1").with("machine", "6f2b03c59d1e"));
    version
}

/// Bytes without a pattern that could hide a truncation or a swap.
pub(crate) fn noise(len: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

/// Uploads `message` in chunks of 64 KiB.
pub(crate) async fn store(sink: &dyn Sink, message: &Bytes) -> Result<Receipt, CommitError> {
    let mut upload = sink.begin(&new_version()).await.map_err(CommitError::Refused)?;
    for start in (0..message.len()).step_by(64 << 10) {
        let chunk = message.slice(start..message.len().min(start + (64 << 10)));
        upload.write(chunk).await.map_err(CommitError::Refused)?;
    }
    upload.commit().await
}

/// Reads a version to its end and compares, as every reader does.
pub(crate) async fn fetch(sink: &dyn Sink, version: VersionNumber) -> Result<Vec<u8>, SinkError> {
    let Download { sha256: expected, stream, .. } = sink.open(version).await?;
    let message = stream
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await?;
    let sha256: String = openssl::sha::sha256(&message).iter().map(|byte| format!("{byte:02x}")).collect();
    match expected {
        Some(expected) if expected != sha256 => Err(SinkError::new(SinkErrorKind::Corrupt, "another SHA-256")),
        _ => Ok(message),
    }
}

/// The names in a folder, sorted.
#[cfg(feature = "store")]
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

//! Reading a message, checked to its last byte.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use bahub_core::sink::{Download, SinkError, SinkErrorKind};
use bytes::Bytes;
use futures::StreamExt;
use rustix::fs::{Advice, fadvise};
use tokio::sync::mpsc;

use super::fault::fault;
use super::folder::Folder;
use crate::store::digest::{DAMAGED, wrong_size};

/// The maximal size of one read.
const CHUNK: u64 = 512 << 10;

/// Opens the message of a version. One of another size is refused; the SHA-256 is compared by the reader, which computes
/// it anyway.
pub(super) fn open(folder: &Folder, number: u64) -> Result<Download, SinkError> {
    let version = folder.version(number)?;
    let path = folder.path().join(&version.message);
    let file = File::open(&path).map_err(|error| missing_or_fault(error, number, &path))?;
    let actual = file.metadata().map_err(|error| fault(error, "inspect", &path))?.len();
    if actual != version.size {
        return Err(wrong_size(&path.display().to_string(), version.size, actual));
    }
    let _ = fadvise(&file, 0, None, Advice::Sequential);
    let size = version.size;
    let (chunks, mut received) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(file, &path, size, &chunks) {
            // A reader that is gone needs no error.
            let _ = chunks.blocking_send(Err(error));
        }
    });
    let stream = futures::stream::poll_fn(move |cx| received.poll_recv(cx)).boxed();
    let download = Download::new(stream).with_size(version.size).with_sha256(version.sha256);
    Ok(download.with_instance(version.instance).with_missing(version.missing))
}

fn read(
    mut file: File,
    path: &Path,
    size: u64,
    chunks: &mpsc::Sender<Result<Bytes, SinkError>>,
) -> Result<(), SinkError> {
    let mut seen = 0;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK as usize);
        Read::by_ref(&mut file).take(CHUNK).read_to_end(&mut chunk).map_err(|error| fault(error, "read", path))?;
        seen += chunk.len() as u64;
        if chunk.is_empty() {
            // It had the right size when it was opened.
            return if seen == size { Ok(()) } else { Err(wrong_size(&path.display().to_string(), size, seen)) };
        }
        if chunks.blocking_send(Ok(chunk.into())).is_err() {
            return Ok(());
        }
    }
}

fn missing_or_fault(error: std::io::Error, number: u64, path: &Path) -> SinkError {
    if error.kind() == ErrorKind::NotFound {
        let message = format!("the message of v{number} is missing: {}", path.display());
        return SinkError::new(SinkErrorKind::Corrupt, message).with_source(error).with_help(DAMAGED);
    }
    fault(error, "open", path)
}

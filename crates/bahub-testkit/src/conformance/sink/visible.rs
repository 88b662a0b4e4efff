//! A version is visible from its commit on, and not before.

use std::time::{Duration, Instant};

use bahub_core::sink::{Sink, SinkErrorKind, Upload, VersionNumber};
use bytes::Bytes;

use super::super::report::Checked;
use super::message::{begin, fetch_same, message, numbers, store, write};

/// How long a store may take to notice that an upload was abandoned.
const PATIENCE: Duration = Duration::from_secs(15);
/// The sizes of abandoned uploads: nothing, less than a buffer, more than one.
const SIZES: [usize; 3] = [0, 10_000, 3 * 1024 * 1024];
/// How long to wait before such a store is asked again: it does not report when it has noticed.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn before_commit(sink: &dyn Sink) -> Checked {
    let first = store(sink, &message(sink, 10_000)).await?.version;
    let next = VersionNumber(first.0 + 1);
    let message = message(sink, 3 * 1024 * 1024);
    let mut upload = begin(sink).await?;
    unseen(sink, &[first.0], next, "begin").await?;
    write(upload.as_mut(), &message, &[64 * 1024]).await.map_err(|error| error.chain())?;
    unseen(sink, &[first.0], next, "the last write").await?;
    let receipt = upload.commit().await.map_err(|error| error.to_string())?;
    let listed = numbers(sink).await?;
    ensure!(listed == [first.0, receipt.version.0], "after the commit {listed:?} is listed");
    fetch_same(sink, receipt.version, &message).await
}

async fn unseen(sink: &dyn Sink, expected: &[u64], next: VersionNumber, after: &str) -> Checked {
    let listed = numbers(sink).await?;
    ensure!(listed == expected, "after {after} and before the commit {listed:?} is listed");
    match sink.open(next).await {
        Err(error) if error.kind() == SinkErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("after {after} opening {next} fails with {:?}: {}", error.kind(), error.chain())),
        Ok(_) => Err(format!("after {after} and before the commit {next} can be opened")),
    }
}

pub(super) async fn after_abort(sink: &dyn Sink) -> Checked {
    for size in SIZES {
        let upload = written(sink, size).await?;
        upload.abort().await.map_err(|error| format!("abort failed: {}", error.chain()))?;
        nothing(sink, &format!("an upload of {size} bytes was aborted")).await?;
    }
    works_again(sink).await
}

pub(super) async fn after_drop(sink: &dyn Sink) -> Checked {
    for size in SIZES {
        drop(written(sink, size).await?);
        nothing(sink, &format!("an upload of {size} bytes was dropped")).await?;
    }
    works_again(sink).await
}

/// An upload to which this many bytes were written.
async fn written(sink: &dyn Sink, size: usize) -> Checked<Box<dyn Upload>> {
    let message = if size > 0 { message(sink, size) } else { Bytes::new() };
    patiently(async || {
        let mut upload = begin(sink).await?;
        match write(upload.as_mut(), &message, &[64 * 1024]).await {
            Ok(()) => Ok(upload),
            Err(error) => {
                // The write error is the one to report.
                let _ = upload.abort().await;
                Err(format!("an upload of {size} bytes broke: {}", error.chain()))
            }
        }
    })
    .await
}

/// Retries for a while: a store that takes one upload at a time may still be busy with the previous one.
async fn patiently<T>(work: impl AsyncFn() -> Checked<T>) -> Checked<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match work().await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            ended => return ended,
        }
    }
}

async fn nothing(sink: &dyn Sink, after: &str) -> Checked {
    let listed = numbers(sink).await?;
    ensure!(listed.is_empty(), "after {after}, {listed:?} is listed");
    ensure!(sink.open(VersionNumber(1)).await.is_err(), "after {after}, v1 can be opened");
    Ok(())
}

async fn works_again(sink: &dyn Sink) -> Checked {
    let message: Bytes = message(sink, 50_000);
    let receipt = patiently(async || store(sink, &message).await).await;
    let receipt = receipt.map_err(|what| format!("the next upload does not work: {what}"))?;
    let listed = numbers(sink).await?;
    ensure!(listed == [receipt.version.0], "after the next upload {listed:?} is listed");
    fetch_same(sink, receipt.version, &message).await
}

//! A version in which parts are missing says so.

use bahub_core::sink::{Sink, SinkCapability, VersionNumber};

use super::super::report::Checked;
use super::message::{begin, message, store, write};

pub(super) async fn stated(sink: &dyn Sink) -> Checked {
    let message = message(sink, 10_000);
    let whole = store(sink, &message).await?.version;
    let mut upload = begin(sink).await?;
    write(upload.as_mut(), &message, &[4096]).await.map_err(|error| error.chain())?;
    let can = sink.capabilities().contains(&SinkCapability::Partial);
    if let Err(error) = upload.mark_partial(3).await {
        ensure!(!can, "it states that it can, and refuses the mark: {}", error.chain());
        return upload.abort().await.map_err(|error| format!("abort failed: {}", error.chain()));
    }
    ensure!(can, "it takes the mark, and does not state that it can");
    let partial = upload.commit().await.map_err(|error| error.to_string())?.version;
    missing(sink, whole, 0).await?;
    missing(sink, partial, 3).await
}

async fn missing(sink: &dyn Sink, number: VersionNumber, expected: u32) -> Checked {
    let listed = sink.list().await.map_err(|error| error.chain())?;
    let listed = listed.iter().find(|version| version.number == number).map(|version| version.missing);
    ensure!(listed == Some(expected), "{number} lacks {expected} parts and is listed with {listed:?}");
    let opened = sink.open(number).await.map_err(|error| error.chain())?.missing;
    ensure!(opened == expected, "{number} lacks {expected} parts and is opened with {opened}");
    Ok(())
}

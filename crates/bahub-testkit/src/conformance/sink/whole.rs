//! Committed data can be read back.

use bahub_core::sink::Sink;
use sha2::{Digest, Sha256};

use super::super::report::Checked;
use super::message::{self, ODD_CHUNKS, fetch, fetch_same, message, store, store_in};

/// From one byte to more than any buffer, in chunks that match no block size, including an empty one.
pub(super) async fn comes_back(sink: &dyn Sink) -> Checked {
    ensure!(message::numbers(sink).await?.is_empty(), "the fresh collection is not empty");
    let mut committed = Vec::new();
    for size in [1, 6 * 1024, 100 * 1024 + 17, 5 * 1024 * 1024 + 3] {
        let message = message(sink, size);
        let stored = store_in(sink, &message, ODD_CHUNKS).await;
        let receipt = stored.map_err(|error| {
            format!("{} bytes in odd chunks were not stored: {}", message.len(), message::chain(&error))
        })?;
        fetch_same(sink, receipt.version, &message).await?;
        committed.push((receipt.version, message));
    }
    for (number, message) in &committed {
        let listed = sink.list().await.map_err(|error| error.chain())?;
        let entry = listed.iter().find(|version| version.number == *number);
        let entry = entry.ok_or_else(|| format!("{number} was committed and is not listed"))?;
        ensure!(
            entry.size == message.len() as u64,
            "{number} has {} bytes and is listed with {}",
            message.len(),
            entry.size
        );
        // Later versions do not change earlier ones.
        fetch_same(sink, *number, message).await?;
    }
    Ok(())
}

pub(super) async fn facts_agree(sink: &dyn Sink) -> Checked {
    let message = message(sink, 300_000);
    let size = message.len() as u64;
    let sha256 = Sha256::digest(&message).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let receipt = store(sink, &message).await?;
    ensure!(receipt.size == size, "{size} bytes were stored, and the receipt says {}", receipt.size);
    agree("the receipt", receipt.sha256.as_deref(), &sha256)?;
    let listed = sink.list().await.map_err(|error| error.chain())?;
    for version in listed.iter().filter(|version| version.number == receipt.version) {
        agree("the listing", version.sha256.as_deref(), &sha256)?;
    }
    let download = sink.open(receipt.version).await.map_err(|error| error.chain())?;
    ensure!(
        download.size.is_none_or(|said| said == size),
        "{size} bytes were stored, and the download says {:?}",
        download.size
    );
    agree("the download", download.sha256.as_deref(), &sha256)?;
    drop(download);
    // An abandoned download does not disturb the next.
    ensure!(fetch(sink, receipt.version).await? == message, "the bytes differ");
    Ok(())
}

fn agree(who: &str, said: Option<&str>, sha256: &str) -> Checked {
    ensure!(said.is_none_or(|said| said == sha256), "{who} says SHA-256 {said:?}; it is {sha256}");
    Ok(())
}

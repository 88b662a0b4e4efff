//! What a sink shows about itself.

use bahub_core::sink::{Purpose, Sink, SinkCapability, VersionNumber};

use super::super::report::Checked;
use super::message::{message, new_version, store};

pub(super) async fn identity(one: &dyn Sink, other: &dyn Sink) -> Checked {
    let before = one.identity();
    store(one, &message(one, 8_000)).await?;
    let after = one.identity();
    ensure!(!before.is_empty(), "the identity is empty");
    ensure!(before == after, "the identity was {before:?} and became {after:?} with the first version");
    ensure!(before != other.identity(), "two collections have the identity {before:?}");
    Ok(())
}

pub(super) async fn none_leaked(sink: &dyn Sink, secrets: &[&str]) -> Checked {
    let receipt = store(sink, &message(sink, 8_000)).await?;
    let mut shown = vec![
        ("the identity", sink.identity()),
        ("Debug", format!("{sink:?}")),
        ("the receipt", format!("{receipt:?}")),
        ("the listing", format!("{:?}", sink.list().await)),
        ("Debug of the download", format!("{:?}", sink.open(receipt.version).await)),
        ("the error for an absent version", format!("{:?}", sink.open(VersionNumber(receipt.version.0 + 9)).await)),
        ("the error for the removal of one", format!("{:?}", sink.remove(VersionNumber(receipt.version.0 + 9)).await)),
    ];
    for purpose in [Purpose::Upload(new_version()), Purpose::Download(receipt.version)] {
        let delegated = sink.delegate(purpose).await.map_err(|error| format!("delegate failed: {}", error.chain()))?;
        let is_stated = sink.capabilities().contains(&SinkCapability::Delegate);
        ensure!(delegated.is_none() || is_stated, "an agent can use it, and its capabilities do not state it");
        shown.push(("the delegation", format!("{delegated:?}")));
    }
    sink.close().await.map_err(|error| format!("close failed: {}", error.chain()))?;
    for (who, text) in &shown {
        // The leaked secret is not repeated: the report is printed.
        ensure!(!secrets.iter().any(|secret| text.contains(secret)), "{who} contains a secret");
    }
    Ok(())
}

//! What killed runs left behind in a bucket.

use bahub_core::sink::{Orphan, SinkError};
use jiff::{SignedDuration, Timestamp};
use opendal::Entry;

use super::objects::Objects;

/// Younger ones may belong to a run that is alive.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Messages that no version names, older than a day. Uploads that were never completed are not objects, and not visible
/// here: the lifecycle rule `AbortIncompleteMultipartUpload` removes them.
pub(super) async fn find(objects: &Objects, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    // The messages are listed first: one that is committed after that is named by a version listed later.
    let messages = objects.entries().await?;
    let unnamed = objects.listing().await?.unnamed(messages.iter().map(Entry::name));
    Ok(messages
        .iter()
        .filter(|entry| unnamed.contains(&entry.name()))
        .filter_map(|entry| {
            let metadata = entry.metadata();
            let modified = Timestamp::from_nanosecond(metadata.last_modified()?.into_inner().as_nanosecond()).ok()?;
            let old = now.duration_since(modified) > AGE;
            old.then(|| Orphan::new(objects.location(entry.name()), metadata.content_length(), modified))
        })
        .collect())
}

/// Removes those; returns them.
pub(super) async fn remove(objects: &Objects, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    let orphans = find(objects, now).await?;
    for orphan in &orphans {
        if let Some((_, name)) = orphan.location.rsplit_once('/') {
            objects.delete(name).await?;
        }
    }
    Ok(orphans)
}

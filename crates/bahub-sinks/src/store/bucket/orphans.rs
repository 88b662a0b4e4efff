//! What killed runs left in a bucket.

use std::collections::HashSet;

use bahub_core::sink::{Orphan, SinkError};
use jiff::{SignedDuration, Timestamp};

use super::objects::Objects;
use crate::store::layout::is_message_name;

/// Younger ones may belong to a run that is alive.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Messages that no version names, older than a day. Uploads that were never completed are no objects, and not seen
/// here: the lifecycle rule `AbortIncompleteMultipartUpload` removes them.
///
/// While a version file is damaged no message is an orphan: it might be the one that the file named.
pub(super) async fn find(objects: &Objects, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    // The messages are listed first: one that is committed after that is named by a version listed later.
    let messages = objects.entries().await?;
    let (versions, damaged) = objects.versions().await?;
    if damaged {
        return Ok(Vec::new());
    }
    let named: HashSet<_> = versions.iter().map(|version| version.message.as_str()).collect();
    let unnamed = messages.iter().filter(|entry| is_message_name(entry.name()) && !named.contains(entry.name()));
    Ok(unnamed
        .filter_map(|entry| {
            let metadata = entry.metadata();
            let modified = Timestamp::from_nanosecond(metadata.last_modified()?.into_inner().as_nanosecond()).ok()?;
            let old = now.duration_since(modified) > AGE;
            old.then(|| Orphan {
                location: objects.location(entry.name()),
                size: metadata.content_length(),
                modified: Some(modified),
            })
        })
        .collect())
}

//! What killed runs left.

use std::collections::HashSet;
use std::fs;

use bahub_core::sink::{Orphan, SinkError};
use jiff::{SignedDuration, Timestamp};

use super::folder::Folder;
use crate::store::layout::is_message_name;

/// Younger ones may belong to a run that is alive.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Partial files, and messages that no version names, older than a day.
///
/// While a version file is damaged no message is an orphan: it might be the one that the file named.
pub(super) fn find(folder: &Folder, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    // The names come first: a message that is committed after that is named by a version read later.
    let names = folder.names()?;
    let (versions, damaged) = folder.versions()?;
    let named: HashSet<_> = versions.iter().map(|version| version.message.as_str()).collect();
    let is_orphan = |name: &str| {
        let unnamed_message = is_message_name(name) && !named.contains(name) && !damaged;
        unnamed_message || (name.starts_with('.') && name.ends_with(".part"))
    };
    let candidates = names.iter().filter(|name| is_orphan(name)).map(|name| folder.path().join(name));
    let mut orphans: Vec<_> = candidates
        .filter_map(|path| {
            // Gone since its name was read: no orphan.
            let metadata = fs::symlink_metadata(&path).ok()?;
            let modified = Timestamp::try_from(metadata.modified().ok()?).ok()?;
            let old = now.duration_since(modified) > AGE;
            old.then(|| Orphan { location: path.display().to_string(), size: metadata.len(), modified: Some(modified) })
        })
        .collect();
    orphans.sort_by_key(|orphan| orphan.modified);
    Ok(orphans)
}

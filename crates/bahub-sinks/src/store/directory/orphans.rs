//! What killed runs left behind.

use std::fs;

use bahub_core::sink::{Orphan, SinkError, SinkErrorKind};
use jiff::{SignedDuration, Timestamp};

use super::folder::Folder;

/// Younger ones may belong to a run that is alive.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Partial files, and messages that no version names, older than a day.
pub(super) fn find(folder: &Folder, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    // The names come first: a message that is committed after that is named by a version read later.
    let names = folder.names()?;
    let partial = names.iter().map(String::as_str).filter(|name| name.starts_with('.') && name.ends_with(".part"));
    let unnamed = folder.listing()?.unnamed(names.iter().map(String::as_str));
    let candidates = partial.chain(unnamed).map(|name| folder.path().join(name));
    let mut orphans: Vec<_> = candidates
        .filter_map(|path| {
            // Removed since its name was read: no orphan.
            let metadata = fs::symlink_metadata(&path).ok()?;
            let modified = Timestamp::try_from(metadata.modified().ok()?).ok()?;
            let old = now.duration_since(modified) > AGE;
            old.then(|| Orphan::new(path.display().to_string(), metadata.len(), modified))
        })
        .collect();
    orphans.sort_by_key(|orphan| orphan.modified);
    Ok(orphans)
}

/// Removes those; returns them.
pub(super) fn remove(folder: &Folder, now: Timestamp) -> Result<Vec<Orphan>, SinkError> {
    let orphans = find(folder, now)?;
    for orphan in &orphans {
        match fs::remove_file(&orphan.location) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("cannot remove {}", orphan.location);
                return Err(SinkError::new(SinkErrorKind::Refused, message).with_source(error));
            }
            _ => {}
        }
    }
    Ok(orphans)
}

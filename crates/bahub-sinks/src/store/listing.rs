//! The version files of a collection, combined.

use std::collections::HashSet;

use bahub_core::sink::{SinkError, SinkErrorKind, Version, VersionNumber};

use super::layout::{VersionFile, is_message_name};

/// Every version of a collection, including damaged ones: without them, `latest` would silently be an older one.
#[derive(Debug, Default)]
pub(super) struct Listing {
    whole: Vec<VersionFile>,
    damaged: Vec<(u64, SinkError)>,
}

impl Listing {
    /// Adds what was read under a number.
    ///
    /// # Errors
    /// If the file cannot be read for another reason than damage or concurrent removal.
    pub(super) fn add(&mut self, number: u64, read: Result<VersionFile, SinkError>) -> Result<(), SinkError> {
        match read {
            Ok(file) => self.whole.push(file),
            Err(error) if error.kind() == SinkErrorKind::Corrupt => self.damaged.push((number, error)),
            Err(error) if error.kind() == SinkErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The versions, oldest first; `location` returns where a message is, and `place` is where the collection is.
    pub(super) fn versions(&self, place: &str, location: impl Fn(&str) -> String) -> Vec<Version> {
        let whole = self.whole.iter().map(|file| file.to_version(location(&file.message)));
        let damaged = self
            .damaged
            .iter()
            .map(|(number, error)| Version::new(VersionNumber(*number), 0, place).with_damage(error.to_string()));
        let mut versions: Vec<_> = whole.chain(damaged).collect();
        versions.sort_by_key(|version| version.number);
        versions
    }

    /// Those of the names that are messages which no version names.
    ///
    /// While a version file is damaged there are none: it might refer to any of them.
    pub(super) fn unnamed<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        if !self.damaged.is_empty() {
            return Vec::new();
        }
        let named: HashSet<_> = self.whole.iter().map(|file| file.message.as_str()).collect();
        names.filter(|name| is_message_name(name) && !named.contains(name)).collect()
    }
}

//! Versions: what is known of one before, when it is committed, and in a listing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::instance::Identity;

/// What is known of a version before its first byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewVersion {
    /// When the run started.
    pub created: jiff::Timestamp,
    /// The adapter's type string.
    pub adapter: String,
    /// The compression's name.
    pub compression: String,
    /// The recipients' fingerprints.
    pub recipients: Vec<String>,
    /// bahub's version.
    pub bahub: String,
    /// The instance that it is of, where that is known.
    pub instance: Option<Identity>,
    /// Words that its owner gave it; only for stores with [`SinkCapability::Tags`](super::SinkCapability::Tags).
    pub tags: Vec<String>,
}

impl NewVersion {
    /// A version of this adapter's data, made by this release, not compressed, for recipients that are not named; the fields
    /// can be set.
    pub fn new(created: jiff::Timestamp, adapter: impl Into<String>) -> Self {
        Self {
            created,
            adapter: adapter.into(),
            compression: "none".into(),
            recipients: Vec::new(),
            bahub: env!("CARGO_PKG_VERSION").into(),
            instance: None,
            tags: Vec::new(),
        }
    }
}

/// A committed version's place and size: what success is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Its number.
    pub version: VersionNumber,
    /// The bytes stored.
    pub size: u64,
    /// The SHA-256 of the stored bytes in hexadecimal, where the sink computed it.
    pub sha256: Option<String>,
    /// Where it is, for people: a URL or a path.
    pub location: String,
    /// What the store did or allows that its owner should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Receipt {
    /// This version, of this size, at this location; the fields can be set.
    pub fn new(version: VersionNumber, size: u64, location: impl Into<String>) -> Self {
        Self { version, size, sha256: None, location: location.into(), warnings: Vec::new() }
    }

    /// Sets the SHA-256 of the stored bytes, in hexadecimal.
    #[must_use]
    pub fn with_sha256(self, sha256: impl Into<Option<String>>) -> Self {
        Self { sha256: sha256.into(), ..self }
    }
}

/// A version of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Version {
    /// Its number.
    pub number: VersionNumber,
    /// When it was made, where the store says so.
    pub created: Option<jiff::Timestamp>,
    /// The bytes stored; 0 where [`Version::damage`] keeps them from being known.
    pub size: u64,
    /// The SHA-256 of the stored bytes in hexadecimal, where the store knows it.
    pub sha256: Option<String>,
    /// Where it is, for people.
    pub location: String,
    /// Why it cannot be read, where the listing shows that already. It is a version all the same, so that `latest`
    /// never quietly means an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// How many parts of the data are missing in it, because they could not be read.
    #[serde(default)]
    pub missing: u32,
    /// Words that its owner gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Version {
    /// This version, of this size, at this location; the fields can be set.
    pub fn new(number: VersionNumber, size: u64, location: impl Into<String>) -> Self {
        let location = location.into();
        Self { number, created: None, size, sha256: None, location, damage: None, missing: 0, tags: Vec::new() }
    }

    /// Sets when it was made.
    #[must_use]
    pub fn with_created(self, created: impl Into<Option<jiff::Timestamp>>) -> Self {
        Self { created: created.into(), ..self }
    }

    /// Sets the SHA-256 of the stored bytes, in hexadecimal.
    #[must_use]
    pub fn with_sha256(self, sha256: impl Into<Option<String>>) -> Self {
        Self { sha256: sha256.into(), ..self }
    }

    /// Sets how many parts are missing.
    #[must_use]
    pub fn with_missing(self, missing: u32) -> Self {
        Self { missing, ..self }
    }

    /// Sets the words that its owner gave it.
    #[must_use]
    pub fn with_tags(self, tags: Vec<String>) -> Self {
        Self { tags, ..self }
    }

    /// Sets why it cannot be read.
    #[must_use]
    pub fn with_damage(self, reason: impl Into<String>) -> Self {
        Self { damage: Some(reason.into()), ..self }
    }
}

/// A message that no version names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Orphan {
    /// Where it is.
    pub location: String,
    /// Its bytes.
    pub size: u64,
    /// When it was last written, where the store says so.
    pub modified: Option<jiff::Timestamp>,
}

impl Orphan {
    /// A message of this size at this location.
    pub fn new(location: impl Into<String>, size: u64, modified: impl Into<Option<jiff::Timestamp>>) -> Self {
        Self { location: location.into(), size, modified: modified.into() }
    }
}

/// A version's number, written `v3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionNumber(pub u64);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// What a user writes to name a version: `latest`, `v3` or `3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionSelector {
    /// The newest.
    #[default]
    Latest,
    /// This one.
    Number(VersionNumber),
}

impl VersionSelector {
    /// The version of a listing, in whatever order, that this selects; `None` where there is none.
    pub fn choose(self, versions: impl IntoIterator<Item = Version>) -> Option<Version> {
        let mut versions = versions.into_iter();
        match self {
            Self::Latest => versions.max_by_key(|version| version.number),
            Self::Number(number) => versions.find(|version| version.number == number),
        }
    }
}

impl FromStr for VersionSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let digits = text.strip_prefix('v').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("\"{text}\" is not a version: write latest, v3 or 3"));
        }
        digits.parse().map(|number| Self::Number(VersionNumber(number))).map_err(|_| format!("{text} is too large"))
    }
}

impl fmt::Display for VersionSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => fmt::Display::fmt(number, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_chooses_from_a_listing_in_any_order_also_what_is_damaged() {
        let version = |number, damage: Option<&str>| Version {
            number: VersionNumber(number),
            created: None,
            size: 0,
            sha256: None,
            location: String::new(),
            damage: damage.map(str::to_owned),
            missing: 0,
            tags: Vec::new(),
        };
        let listed = [version(2, None), version(9, Some("cut off")), version(3, None)];
        let chosen = |selector: VersionSelector| selector.choose(listed.clone()).map(|version| version.number.0);
        assert_eq!(chosen(VersionSelector::Latest), Some(9), "latest never means an older one");
        assert_eq!(chosen(VersionSelector::Number(VersionNumber(3))), Some(3));
        assert_eq!(chosen(VersionSelector::Number(VersionNumber(1))), None);
        assert_eq!(VersionSelector::Latest.choose([]), None);
    }

    #[test]
    fn a_version_is_named_by_latest_v3_or_3() {
        assert_eq!("latest".parse(), Ok(VersionSelector::Latest));
        assert_eq!("v3".parse(), Ok(VersionSelector::Number(VersionNumber(3))));
        assert_eq!("3".parse(), Ok(VersionSelector::Number(VersionNumber(3))));
        for wrong in ["", "v", "+3", "newest", "v3 ", "99999999999999999999"] {
            assert!(wrong.parse::<VersionSelector>().is_err(), "{wrong}");
        }
    }
}

//! How versions are stored in a directory or a bucket.
//!
//! ```text
//! <root>/<collection>/20260102T030405Z-9f86d081884c7d65.pgp   the message
//! <root>/<collection>/v000042.json                            what makes it version 42
//! ```
//!
//! A message that no JSON names is no version. The JSON is created atomically, and only if none of that name exists
//! (directory: `link`; S3: `If-None-Match: *`), so each of several writers gets its own number:
//!
//! ```json
//! {
//!   "bahub": 1,
//!   "version": 42,
//!   "message": "20260102T030405Z-9f86d081884c7d65.pgp",
//!   "size": 1048576,
//!   "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
//!   "created": "2026-01-02T03:04:05Z",
//!   "recipients": ["2FB13C38E3A1F87B5C6B2B0D1E4B1C7C7C1D3F5A"],
//!   "adapter": "bahub.adapters.filesystem",
//!   "compression": "zstd",
//!   "bahub_version": "0.1.0",
//!   "instance": { "kind": "host", "workload": "web1", "details": { "machine": "6f2b03c59d1e" } }
//! }
//! ```
//!
//! `bahub` is the layout's own version, and changes only when older programs could no longer read it; fields that a
//! reader does not know are ignored. A version without some parts of the data, which could not be read, has their number as
//! `missing`; their names are in the message. Words that its owner gave a version are `tags`. Where the storage forbids listing, the number is the UTC time in seconds.

use bahub_core::hex::is_hex;
use bahub_core::instance::Identity;
use bahub_core::run::random_hex;
use bahub_core::sink::{NewVersion, SinkError, SinkErrorKind, Version, VersionNumber};
use serde::{Deserialize, Serialize};

/// The layout that this program writes, and the newest that it reads.
const LAYOUT: u32 = 1;

/// The maximal size of a version file; a larger one is not read into memory.
pub(super) const LARGEST_VERSION_FILE: u64 = 1 << 20;

/// The content of `v000042.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFile {
    /// The layout's version.
    pub bahub: u32,
    /// The version's number; the same as in the file's name.
    pub version: u64,
    /// The message's file name, in the same folder.
    pub message: String,
    /// The message's bytes.
    pub size: u64,
    /// The message's SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// When the run started.
    pub created: jiff::Timestamp,
    /// The recipients' fingerprints.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// The adapter's type string.
    #[serde(default)]
    pub adapter: String,
    /// The compression's name.
    #[serde(default)]
    pub compression: String,
    /// The version of the bahub that wrote it.
    #[serde(default)]
    pub bahub_version: String,
    /// The instance that was backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Identity>,
    /// How many parts of the data are missing, because they could not be read; the message says which.
    #[serde(default, skip_serializing_if = "is_whole")]
    pub missing: u32,
    /// Words that its owner gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_whole(missing: &u32) -> bool {
    *missing == 0
}

impl VersionFile {
    /// Describes a finished message; the caller chooses the number, and may have to try several.
    pub(super) fn new(version: &NewVersion, message: String, size: u64, sha256: String, missing: u32) -> Self {
        Self {
            bahub: LAYOUT,
            version: 0,
            message,
            size,
            sha256,
            created: version.created,
            recipients: version.recipients.clone(),
            adapter: version.adapter.clone(),
            compression: version.compression.clone(),
            bahub_version: version.bahub.clone(),
            instance: version.instance.clone(),
            missing,
            tags: version.tags.clone(),
        }
    }

    /// The file's text for this number.
    pub(super) fn encode(&self, number: u64) -> Vec<u8> {
        let numbered = Self { version: number, ..self.clone() };
        let mut text = serde_json::to_vec_pretty(&numbered).expect("texts and numbers always serialise");
        text.push(b'\n');
        text
    }

    /// Parses and checks the text of the file with this number; `location` is for the error.
    pub(super) fn decode(text: &[u8], number: u64, location: &str) -> Result<Self, SinkError> {
        let damaged = |reason: String| {
            SinkError::new(SinkErrorKind::Corrupt, format!("{location} is damaged: {reason}"))
                .with_help("the message next to it may still be intact, but its hash is unknown without this file")
        };
        let layout = serde_json::from_slice::<Layout>(text).map_err(|error| damaged(error.to_string()))?;
        if layout.bahub > LAYOUT {
            let message = format!("{location} has layout {}, but this bahub only reads up to {LAYOUT}", layout.bahub);
            return Err(SinkError::new(SinkErrorKind::Corrupt, message).with_help("use a newer bahub"));
        }
        let file = serde_json::from_slice::<Self>(text).map_err(|error| damaged(error.to_string()))?;
        if file.version != number {
            return Err(damaged(format!("it is for version {}", file.version)));
        }
        if !is_message_name(&file.message) {
            return Err(damaged(format!("{:?} is not the name of a message", file.message)));
        }
        if !is_hex(&file.sha256, 64) {
            return Err(damaged("its sha256 is invalid".to_owned()));
        }
        Ok(Self { sha256: file.sha256.to_ascii_lowercase(), ..file })
    }

    pub(super) fn to_version(&self, location: String) -> Version {
        Version::new(VersionNumber(self.version), self.size, location)
            .with_created(self.created)
            .with_sha256(self.sha256.clone())
            .with_missing(self.missing)
            .with_tags(self.tags.clone())
    }
}

/// Only the layout's version, so that a newer one is recognised whatever else it changed.
#[derive(Deserialize)]
struct Layout {
    bahub: u32,
}

/// `v000042.json`.
pub(super) fn version_file_name(number: u64) -> String {
    format!("v{number:06}.json")
}

/// The number of `v000042.json`; `None` for anything that [`version_file_name`] would not produce.
pub(super) fn parse_version_file_name(name: &str) -> Option<u64> {
    let number = name.strip_prefix('v')?.strip_suffix(".json")?.parse().ok()?;
    (version_file_name(number) == name).then_some(number)
}

/// An unused name: the run's start in UTC, and 64 random bits.
pub(super) fn unique_stem(version: &NewVersion) -> Result<String, SinkError> {
    let random = random_hex(8).map_err(|error| {
        SinkError::new(SinkErrorKind::Other, "the system's random source failed").with_source(error)
    })?;
    Ok(format!("{}-{random}", version.created.strftime("%Y%m%dT%H%M%SZ")))
}

/// Whether a file name can be that of a message: plain, visible, and ending in `.pgp`.
pub(super) fn is_message_name(name: &str) -> bool {
    name.ends_with(".pgp") && !name.starts_with('.') && !name.contains(['/', '\0'])
}

/// Checks that a collection's id can be a folder's name.
pub(super) fn check_collection(id: &str) -> Result<(), String> {
    if id.is_empty() || id == "." || id == ".." || id.contains(['/', '\0']) || id.len() > 200 {
        return Err(format!("the collection id {id:?} cannot be the name of a folder"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_version() -> NewVersion {
        let created = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut version = NewVersion::new(created, "bahub.adapters.filesystem");
        version.compression = "zstd".into();
        version.recipients = vec!["AB".into()];
        version.bahub = "0.1.0".into();
        version
    }

    #[test]
    fn a_version_file_is_read_back_and_unknown_fields_are_ignored() {
        let file = VersionFile::new(&new_version(), "a.pgp".into(), 3, "0".repeat(64), 2);
        let text = String::from_utf8(file.encode(42)).unwrap().replacen('{', "{\"later\": [1],", 1);
        let read = VersionFile::decode(text.as_bytes(), 42, "x").unwrap();
        assert_eq!(read, VersionFile { version: 42, ..file });
    }

    #[test]
    fn a_version_file_that_leads_elsewhere_is_damaged() {
        let file = VersionFile::new(&new_version(), "../secrets.pgp".into(), 3, "0".repeat(64), 0);
        let error = VersionFile::decode(&file.encode(1), 1, "/b/v000001.json").unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Corrupt);
        assert!(error.to_string().starts_with("/b/v000001.json is damaged"), "{error}");
    }

    #[test]
    fn a_newer_layout_is_distinguished_from_damage() {
        let error = VersionFile::decode(br#"{"bahub": 2, "moved": true}"#, 1, "x").unwrap_err();
        assert_eq!(error.help(), Some(&"use a newer bahub".into()));
    }

    #[test]
    fn only_canonical_names_are_versions() {
        assert_eq!(parse_version_file_name("v000042.json"), Some(42));
        assert_eq!(parse_version_file_name("v1700000000.json"), Some(1_700_000_000));
        for stranger in ["v42.json", "v.json", "v+00042.json", "v000042.json~", ".v000042.json", "w000042.json"] {
            assert_eq!(parse_version_file_name(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn a_stem_sorts_by_time_and_never_repeats() {
        let (a, b) = (unique_stem(&new_version()).unwrap(), unique_stem(&new_version()).unwrap());
        assert!(a.starts_with("20260102T030405Z-") && a != b, "{a} {b}");
    }
}

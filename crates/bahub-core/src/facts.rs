//! Facts about a version that travel inside its message.
//!
//! For zstd they are skippable frames (RFC 8878 section 3.1.2), which `zstd -d` ignores: one at the head, one before
//! each named segment, one behind each that is not whole, one at the tail, and behind that zstd's own seek table, which lists all frames. For gzip they are members without content, whose headers have an extra field `BH`
//! (RFC 1952 section 2.3.1.1). What is not compressed carries none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::capture::MissingPart;
use crate::instance::Identity;

/// The first four bytes of our skippable frames, little-endian on the wire: variant 11 of the sixteen.
pub const SKIPPABLE_MAGIC: u32 = 0x184D_2A5B;

/// The most bytes of JSON that a fact may hold; a reader skips a longer frame.
pub const MAX_FACT: usize = 1024 * 1024;

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "bahub", rename_all = "snake_case")]
pub enum Fact {
    /// How the version was made.
    Head {
        /// The adapter's type string.
        adapter: String,
        /// bahub's version.
        version: String,
        /// What the probes found: tools and their versions.
        tools: BTreeMap<String, String>,
        /// What the adapter's restore has to know.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        record: BTreeMap<String, String>,
        /// The instance that it was captured from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<Identity>,
        /// Whether the stream ends with a seek table. One that says so and does not was cut.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        seekable: bool,
    },
    /// What follows, up to the next segment, is this part.
    Segment {
        /// Its name.
        name: String,
    },
    /// The part that ends here is not whole: it could not be read to its end.
    Missing(MissingPart),
    /// What was learnt until the end.
    Tail {
        /// Counts taken before and after the capture, as text lines.
        census: Option<[Vec<String>; 2]>,
        /// Warnings of the capture.
        warnings: Vec<String>,
    },
}

impl Fact {
    /// The fact as JSON; nothing, where that would be longer than a reader takes.
    pub fn to_content(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a fact holds only strings and lists, which JSON takes");
        if json.len() > MAX_FACT { Vec::new() } else { json }
    }

    /// The fact as a whole skippable frame.
    pub fn to_frame(&self) -> Vec<u8> {
        let json = self.to_content();
        let mut frame = Vec::with_capacity(8 + json.len());
        frame.extend_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
        frame.extend_from_slice(&u32::try_from(json.len()).unwrap_or(0).to_le_bytes());
        frame.extend_from_slice(&json);
        frame
    }

    /// Reads the content of a frame or field; `None` if another program wrote it.
    pub fn from_content(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_survives_its_frame() {
        let fact = Fact::Segment { name: "shop \"1\"\n".into() };
        let frame = fact.to_frame();
        assert_eq!(frame[..4], SKIPPABLE_MAGIC.to_le_bytes());
        assert_eq!(u32::from_le_bytes(frame[4..8].try_into().unwrap()) as usize, frame.len() - 8);
        assert_eq!(Fact::from_content(&frame[8..]), Some(fact));
        assert_eq!(Fact::from_content(b"somebody else's"), None);
    }
}

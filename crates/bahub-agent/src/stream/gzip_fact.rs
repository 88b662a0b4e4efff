//! Facts inside of a gzip stream: members without content, which every reader passes over, whose headers carry them.
//!
//! RFC 1952 section 2.3.1.1: a header may hold an extra field of subfields, each of two letters, a length and data. Ours is
//! `BH`; its first byte is 1 in the last part of a fact and 0 before.

use std::io::{self, Write};

use bahub_core::facts;
use flate2::{Compression, GzBuilder};

const ID: [u8; 2] = *b"BH";
/// What an extra field has room for, beside the subfield's letters, its length and our first byte.
const PART: usize = 65_535 - 5;

/// Writes a fact's content.
pub(super) fn write(content: &[u8], sink: &mut impl Write) -> io::Result<()> {
    let count = content.len().div_ceil(PART);
    for (index, part) in content.chunks(PART).enumerate() {
        let length = u16::try_from(part.len() + 1).map_err(io::Error::other)?;
        let is_last = u8::from(index + 1 == count);
        let extra = [&ID[..], &length.to_le_bytes(), &[is_last], part].concat();
        GzBuilder::new().extra(extra).write(&mut *sink, Compression::fast()).finish()?;
    }
    Ok(())
}

/// The parts of a fact, until its last.
#[derive(Default)]
pub(super) struct Parts(Vec<u8>);

impl Parts {
    /// Takes in the extra field of a member; returns a fact's content with its last part.
    pub(super) fn take_in(&mut self, extra: Option<&[u8]>) -> Option<Vec<u8>> {
        let (is_last, part) = extra?.strip_prefix(&ID)?.get(2..)?.split_first()?;
        if self.0.len() + part.len() > facts::MAX_FACT {
            self.0.clear();
            return None;
        }
        self.0.extend_from_slice(part);
        (*is_last == 1).then(|| std::mem::take(&mut self.0))
    }
}

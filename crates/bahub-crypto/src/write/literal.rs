//! The literal data packet around the plaintext: binary, without a name, without a date.

use super::Stage;
use super::frames::{PART, PART_OCTET};
use crate::error::CryptoError;
use crate::packet::LITERAL;
use crate::packet::header::put_length;

/// Format, length of the name, date.
const START: [u8; 6] = [b'b', 0, 0, 0, 0, 0];

/// Cuts plaintext into parts. A part goes out only when more data follows it, because the last one must have a
/// definite length.
pub(super) struct Literal {
    part: Vec<u8>,
    header: Vec<u8>,
}

impl Literal {
    pub(super) fn new() -> Self {
        let mut part = Vec::with_capacity(PART);
        part.extend(START);
        Self { part, header: vec![0xC0 | LITERAL] }
    }

    /// Takes plaintext; whole parts of a large write are not copied.
    pub(super) fn write(&mut self, mut plain: &[u8], stage: &mut impl Stage) -> Result<(), CryptoError> {
        if self.part.len() + plain.len() > PART && !self.part.is_empty() {
            let (now, later) = plain.split_at(PART - self.part.len());
            self.part.extend(now);
            plain = later;
            self.open(stage)?;
            stage.push(&self.part)?;
            self.part.clear();
        }
        while plain.len() > PART {
            let (now, later) = plain.split_at(PART);
            plain = later;
            self.open(stage)?;
            stage.push(now)?;
        }
        self.part.extend(plain);
        Ok(())
    }

    /// Ends the packet.
    pub(super) fn finish(mut self, stage: &mut impl Stage) -> Result<(), CryptoError> {
        put_length(self.part.len(), &mut self.header);
        stage.push(&self.header)?;
        stage.push(&self.part)
    }

    fn open(&mut self, stage: &mut impl Stage) -> Result<(), CryptoError> {
        self.header.push(PART_OCTET);
        stage.push(&self.header)?;
        self.header.clear();
        Ok(())
    }
}

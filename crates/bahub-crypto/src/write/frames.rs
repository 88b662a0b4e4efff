//! The encrypted data packet on its way out: header, parts of 64 KiB, the last part.

use std::io::Write;

use super::armor::Output;
use crate::cipher::{BLOCK, WINDOW};
use crate::error::CryptoError;
use crate::packet::SEIPD;
use crate::packet::header::put_length;

/// The bytes of data in a part of a body.
pub(super) const PART: usize = 64 * 1024;

/// The length octet of a partial body length of [`PART`] bytes.
pub(super) const PART_OCTET: u8 = 0xE0 + PART.trailing_zeros() as u8;

/// Cuts a packet's body into parts.
///
/// The body is written into the buffer by the cipher itself. The octet before it is kept free for the length, so that
/// a part goes to the sink in one piece.
pub(super) struct Frames<W> {
    output: Output<W>,
    /// The session key packets and the tag of the data packet, until the first part goes out.
    prelude: Vec<u8>,
    buffer: Vec<u8>,
    filled: usize,
}

impl<W: Write> Frames<W> {
    /// Starts the packet behind the session key packets, its body with these octets.
    pub(super) fn new(output: Output<W>, mut prelude: Vec<u8>, start: &[u8]) -> Self {
        prelude.push(0xC0 | SEIPD);
        let mut buffer = vec![0; 1 + PART + WINDOW + 8 * BLOCK];
        buffer[1..=start.len()].copy_from_slice(start);
        Self { output, prelude, buffer, filled: start.len() }
    }

    /// Returns room for the next bytes of the body: a window, and some blocks.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[1 + self.filled..]
    }

    /// Takes this many of the bytes that were put into the room.
    pub(super) fn advance(&mut self, n: usize) -> Result<(), CryptoError> {
        self.filled += n;
        while self.filled > PART {
            self.buffer[0] = PART_OCTET;
            self.open()?;
            self.output.write(&self.buffer[..=PART])?;
            self.buffer.copy_within(1 + PART..=self.filled, 1);
            self.filled -= PART;
        }
        Ok(())
    }

    /// Flushes the sink, but keeps what is no whole part yet.
    pub(super) fn flush(&mut self) -> Result<(), CryptoError> {
        self.output.flush()
    }

    /// Writes the last part and ends the message.
    pub(super) fn finish(mut self) -> Result<W, CryptoError> {
        put_length(self.filled, &mut self.prelude);
        self.open()?;
        self.output.write(&self.buffer[1..=self.filled])?;
        self.output.finish()
    }

    fn open(&mut self) -> Result<(), CryptoError> {
        if !self.prelude.is_empty() {
            self.output.write(&self.prelude)?;
            self.prelude.clear();
        }
        Ok(())
    }
}

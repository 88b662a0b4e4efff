//! The body of SEIPD version 2 (RFC 9580 section 5.13.2): chunks, each with its tag, and a final tag.

use std::io::Write;

use super::Stage;
use super::frames::Frames;
use crate::cipher::WINDOW;
use crate::cipher::aead::{Chunks, Parameters, SALT, TAG};
use crate::error::CryptoError;

/// Seals a chunk at a time.
pub(super) struct Seipd2<W> {
    frames: Frames<W>,
    chunks: Chunks,
    chunk: Vec<u8>,
}

const _: () = assert!(WINDOW == 1 << (10 + 6), "a chunk is a window");

impl<W: Write> Seipd2<W> {
    /// Starts the body. `frames` already holds the parameters and the salt.
    pub(super) fn new(frames: Frames<W>, session_key: &[u8], salt: &[u8; SALT]) -> Result<Self, CryptoError> {
        let chunks = Chunks::sealing(Parameters::OURS, session_key, salt)?;
        Ok(Self { frames, chunks, chunk: Vec::with_capacity(WINDOW) })
    }

    pub(super) fn flush(&mut self) -> Result<(), CryptoError> {
        self.frames.flush()
    }

    /// Writes the last chunk and the final tag, and ends the message.
    pub(super) fn finish(mut self) -> Result<W, CryptoError> {
        if !self.chunk.is_empty() {
            self.seal()?;
        }
        let tag = self.chunks.seal_end()?;
        self.frames.room()[..TAG].copy_from_slice(&tag);
        self.frames.advance(TAG)?;
        self.frames.finish()
    }

    fn seal(&mut self) -> Result<(), CryptoError> {
        self.chunks.seal(&self.chunk, self.frames.room())?;
        self.frames.advance(self.chunk.len() + TAG)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Stage for Seipd2<W> {
    fn push(&mut self, mut bytes: &[u8]) -> Result<(), CryptoError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(WINDOW - self.chunk.len()));
            self.chunk.extend(now);
            bytes = later;
            if self.chunk.len() == WINDOW {
                self.seal()?;
            }
        }
        Ok(())
    }
}

//! The body of SEIPD version 1 (RFC 9580 section 5.13.1): CFB over a random prefix, the data and its SHA-1.

use std::io::Write;

use openssl::rand::rand_bytes;

use super::Stage;
use super::frames::Frames;
use crate::cipher::HASH;
use crate::cipher::mdc::{HEADER, MdcEncryptor};
use crate::cipher::{BLOCK, WINDOW};
use crate::error::CryptoError;

/// Hashes and encrypts a window at a time.
pub(super) struct Seipd1<W> {
    frames: Frames<W>,
    cipher: MdcEncryptor,
    window: Vec<u8>,
}

impl<W: Write> Seipd1<W> {
    /// Starts the body. `frames` already holds the version octet.
    pub(super) fn new(frames: Frames<W>, session_key: &[u8]) -> Result<Self, CryptoError> {
        let mut window = Vec::with_capacity(WINDOW + HEADER.len() + HASH);
        window.resize(BLOCK, 0);
        rand_bytes(&mut window)?;
        window.extend_from_within(BLOCK - 2..);
        Ok(Self { frames, cipher: MdcEncryptor::new(session_key)?, window })
    }

    pub(super) fn flush(&mut self) -> Result<(), CryptoError> {
        self.frames.flush()
    }

    /// Writes the MDC and ends the message.
    pub(super) fn finish(mut self) -> Result<W, CryptoError> {
        self.window.extend(HEADER);
        let size = self.cipher.encrypt_last(self.window, self.frames.room())?;
        self.frames.advance(size)?;
        self.frames.finish()
    }

    fn seal(&mut self) -> Result<(), CryptoError> {
        self.cipher.encrypt(&self.window, self.frames.room())?;
        self.frames.advance(self.window.len())?;
        self.window.clear();
        Ok(())
    }
}

impl<W: Write> Stage for Seipd1<W> {
    fn push(&mut self, mut bytes: &[u8]) -> Result<(), CryptoError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(WINDOW - self.window.len()));
            self.window.extend(now);
            bytes = later;
            if self.window.len() == WINDOW {
                self.seal()?;
            }
        }
        Ok(())
    }
}

//! The body of SEIPD version 1 (RFC 9580 section 5.13.1), decrypted as it comes and verified at its end, unless it
//! was verified before.

use std::io::{self, BufRead};

use openssl::memcmp;

use crate::cipher::mdc::{HEADER, MdcDecryptor};
use crate::cipher::{BLOCK, WINDOW};
use crate::cipher::{HASH, STEP};
use crate::error::CryptoError;
use crate::packet::body::{Body, read_full};

/// The random block and its last two bytes again.
const PREFIX: usize = BLOCK + 2;

/// The MDC packet: two bytes of header, and the hash of everything before the hash.
const MDC_SIZE: usize = HEADER.len() + HASH;

/// Yields the packets inside. The last bytes seen are always held back, because they may be the MDC.
pub(super) struct Seipd1<S> {
    body: Body<S>,
    /// Taken away at the end.
    cipher: Option<MdcDecryptor>,
    /// The last block of ciphertext of the round before, and the window of this one.
    shifted: Vec<u8>,
    /// Plaintext: given, ready to be given, held back.
    plain: Vec<u8>,
    given: usize,
    ready: usize,
    filled: usize,
    started: bool,
}

/// What the hash at the end is good for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Check {
    /// It verifies the message.
    Verify,
    /// It did so before, and the caller compares the message with the one of then.
    Compared,
}

impl<S: BufRead> Seipd1<S> {
    /// Starts behind the version octet.
    pub(super) fn new(body: Body<S>, cipher: u8, key: &[u8], check: Check) -> Result<Self, CryptoError> {
        Ok(Self {
            body,
            cipher: Some(MdcDecryptor::new(cipher, key, check == Check::Verify)?),
            shifted: vec![0; BLOCK + WINDOW],
            plain: vec![0; STEP + WINDOW + 2 * BLOCK],
            given: 0,
            ready: 0,
            filled: 0,
            started: false,
        })
    }

    fn refill(&mut self, mut cipher: MdcDecryptor) -> io::Result<()> {
        let held = self.filled - self.ready;
        self.plain.copy_within(self.ready..self.filled, 0);
        let n = read_full(&mut self.body, &mut self.shifted[BLOCK..])?;
        cipher.decrypt(&self.shifted[..BLOCK + n], &mut self.plain, held)?;
        self.shifted.copy_within(n..n + BLOCK, 0);
        self.filled = held + n;
        self.given = if self.started { 0 } else { PREFIX };
        if self.filled < self.given + MDC_SIZE {
            return Err(CryptoError::Truncated.into());
        }
        self.started = true;
        if n < WINDOW {
            return self.verify(cipher, held + n / STEP * STEP);
        }
        self.ready = self.filled - STEP;
        self.cipher = Some(cipher);
        Ok(())
    }

    /// `whole` is where the whole steps end, all of which but the last are hashed.
    fn verify(&mut self, cipher: MdcDecryptor, whole: usize) -> io::Result<()> {
        self.ready = self.filled - MDC_SIZE;
        let end = self.filled - HASH;
        let hash = cipher.finish(&self.plain[whole.saturating_sub(STEP)..end]);
        let matches = hash.is_none_or(|hash| memcmp::eq(&hash, &self.plain[end..self.filled]));
        if self.plain[self.ready..end] != HEADER || !matches {
            return Err(CryptoError::Mdc.into());
        }
        if !self.body.source().fill_buf()?.is_empty() {
            return Err(CryptoError::Trailing.into());
        }
        Ok(())
    }

    pub(super) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given == self.ready
            && let Some(cipher) = self.cipher.take()
        {
            self.refill(cipher)?;
        }
        Ok(&self.plain[self.given..self.ready])
    }

    pub(super) fn consume(&mut self, amount: usize) {
        self.given += amount;
    }
}

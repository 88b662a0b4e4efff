//! The body of SEIPD version 1 (RFC 9580 section 5.13.1), decrypted as it comes and verified at its end.

use std::io::{self, BufRead};

use openssl::memcmp;
use openssl::sha::Sha1;

use crate::cipher::cfb::CfbDecryptor;
use crate::cipher::{BLOCK, WINDOW};
use crate::error::CryptoError;
use crate::packet::MDC;
use crate::packet::body::{Body, read_full};

/// The random block and its last two bytes again.
const PREFIX: usize = BLOCK + 2;

/// The MDC packet: two bytes of header, and the hash of everything before the hash.
const MDC_SIZE: usize = 22;
const HASH_SIZE: usize = 20;

/// Gives the packets inside. The last 22 bytes seen are always held back, because they may be the MDC.
pub(super) struct Seipd1<S> {
    body: Body<S>,
    cipher: CfbDecryptor,
    hash: Sha1,
    check: Check,
    /// The last block of ciphertext of the round before, and the window of this one.
    shifted: Vec<u8>,
    /// Plaintext: given, ready to be given, held back.
    plain: Vec<u8>,
    given: usize,
    ready: usize,
    filled: usize,
    stage: Stage,
}

/// What the hash at the end is good for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Check {
    /// It verifies the message.
    Verify,
    /// It did so before, and who reads compares the message with the one of then.
    Compared,
}

#[derive(PartialEq)]
enum Stage {
    Start,
    Middle,
    Verified,
}

impl<S: BufRead> Seipd1<S> {
    /// Starts behind the version octet.
    pub(super) fn new(body: Body<S>, cipher: u8, key: &[u8], check: Check) -> Result<Self, CryptoError> {
        Ok(Self {
            body,
            cipher: CfbDecryptor::new(cipher, key)?,
            hash: Sha1::new(),
            check,
            shifted: vec![0; BLOCK + WINDOW],
            plain: vec![0; MDC_SIZE + WINDOW + 2 * BLOCK],
            given: 0,
            ready: 0,
            filled: 0,
            stage: Stage::Start,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        let held = self.filled - self.ready;
        self.plain.copy_within(self.ready..self.filled, 0);
        let n = read_full(&mut self.body, &mut self.shifted[BLOCK..])?;
        self.cipher.decrypt(&self.shifted[..BLOCK + n], &mut self.plain[held..])?;
        self.shifted.copy_within(n..n + BLOCK, 0);
        self.filled = held + n;
        let prefix = if self.stage == Stage::Start { PREFIX } else { 0 };
        if self.filled < prefix + MDC_SIZE {
            return Err(CryptoError::Truncated.into());
        }
        self.given = prefix;
        self.ready = self.filled - MDC_SIZE;
        if self.check == Check::Verify {
            self.hash.update(&self.plain[..self.ready]);
        }
        self.stage = Stage::Middle;
        if n < WINDOW {
            self.verify()?;
        }
        Ok(())
    }

    fn verify(&mut self) -> io::Result<()> {
        let (header, expected) = self.plain[self.ready..self.filled].split_at(MDC_SIZE - HASH_SIZE);
        let mut hash = self.hash.clone();
        hash.update(header);
        let matches = self.check == Check::Compared || memcmp::eq(&hash.finish(), expected);
        if header != [0xC0 | MDC, HASH_SIZE as u8] || !matches {
            return Err(CryptoError::Mdc.into());
        }
        if !self.body.source().fill_buf()?.is_empty() {
            return Err(CryptoError::Trailing.into());
        }
        self.stage = Stage::Verified;
        Ok(())
    }

    pub(super) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given == self.ready && self.stage != Stage::Verified {
            self.refill()?;
        }
        Ok(&self.plain[self.given..self.ready])
    }

    pub(super) fn consume(&mut self, amount: usize) {
        self.given += amount;
    }
}

//! The body of SEIPD version 2 (RFC 9580 section 5.13.2): a chunk is given only after its tag was verified.

use std::io::{self, BufRead};

use crate::cipher::BLOCK;
use crate::cipher::aead::{Chunks, Parameters, SALT, TAG};
use crate::error::CryptoError;
use crate::packet::body::{Body, read_full};
use crate::packet::header::octets;

/// Yields the packets inside. Needs memory for two chunks.
pub(super) struct Seipd2<S> {
    body: Body<S>,
    chunks: Chunks,
    /// A chunk with its tag, and as many bytes more as the final tag has.
    sealed: Vec<u8>,
    /// How many bytes at the head of `sealed` were read with the chunk before.
    ahead: usize,
    plain: Vec<u8>,
    given: usize,
    ready: usize,
    verified: bool,
}

impl<S: BufRead> Seipd2<S> {
    /// Starts behind the version octet.
    pub(super) fn new(mut body: Body<S>, key: &[u8]) -> io::Result<Self> {
        let parameters = Parameters::parse(octets(&mut body)?)?;
        let salt = octets::<SALT>(&mut body)?;
        Ok(Self {
            body,
            chunks: Chunks::opening(parameters, key, &salt)?,
            sealed: vec![0; parameters.chunk_size() + 2 * TAG],
            ahead: 0,
            plain: vec![0; parameters.chunk_size() + 2 * BLOCK],
            given: 0,
            ready: 0,
            verified: false,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        let filled = self.ahead + read_full(&mut self.body, &mut self.sealed[self.ahead..])?;
        // The tag behind a full buffer may be the final one or the head of another chunk: the next round knows.
        let end = filled.checked_sub(TAG).ok_or(CryptoError::Truncated)?;
        self.given = 0;
        self.ready = 0;
        if end > 0 {
            self.ready = end.checked_sub(TAG).filter(|&data| data > 0).ok_or(CryptoError::Truncated)?;
            self.chunks.open(&self.sealed[..end], &mut self.plain)?;
        }
        if filled < self.sealed.len() {
            self.chunks.open_end(&self.sealed[end..filled])?;
            if !self.body.source().fill_buf()?.is_empty() {
                return Err(CryptoError::Trailing.into());
            }
            self.verified = true;
        }
        self.sealed.copy_within(end..filled, 0);
        self.ahead = TAG;
        Ok(())
    }

    pub(super) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given == self.ready && !self.verified {
            self.refill()?;
        }
        Ok(&self.plain[self.given..self.ready])
    }

    pub(super) fn consume(&mut self, amount: usize) {
        self.given += amount;
    }
}

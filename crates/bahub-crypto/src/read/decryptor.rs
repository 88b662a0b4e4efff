//! The reader of whole messages.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::mem;

use bahub_core::keys::SessionKey;

use super::clear::Clear;
use super::content::{self, Layer};
use super::seipd1::Check;
use crate::error::CryptoError;
use crate::packet::body::{Body, read_buffered};

/// Decrypts a message, armoured or binary, as bahub or gpg wrote it; signatures inside are ignored.
///
/// The end (`Ok(0)`) is given only after the integrity of the whole message was verified, and nothing followed it in
/// the source; [`Decryptor::verified_before`] leaves the first to its caller. Up to then, and in version 1 always, the data may
/// have been tampered with: trust it only after the end. After an error every read fails. The source is read as it is buffered:
/// give it a buffer of 64 KiB or more.
pub struct Decryptor<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    Open(Box<Body<Layer<R>>>),
    Ended,
    Failed(String),
}

impl<R: BufRead> Decryptor<R> {
    /// Reads up to the data inside of the encryption.
    ///
    /// # Errors
    /// What a read can fail with; [`CryptoError::SessionKey`] if the key cannot be this message's.
    pub fn new(source: R, key: &SessionKey) -> Result<Self, CryptoError> {
        Self::open(source, key, Check::Verify)
    }

    /// Reads a message that was verified before, and whose bytes the caller compares with those of that time, by a
    /// SHA-256 for example: the hash of version 1 is not computed again, so the end alone proves nothing.
    ///
    /// # Errors
    /// As [`Decryptor::new`].
    pub fn verified_before(source: R, key: &SessionKey) -> Result<Self, CryptoError> {
        Self::open(source, key, Check::Compared)
    }

    fn open(source: R, key: &SessionKey, check: Check) -> Result<Self, CryptoError> {
        let open = Clear::open(source, key, check).and_then(content::open);
        let body = open.map_err(|error| CryptoError::from_io(error, CryptoError::Decompression))?;
        Ok(Self { state: State::Open(Box::new(body)) })
    }

    fn end_if_empty(&mut self) -> io::Result<()> {
        let State::Open(body) = &mut self.state else { return Ok(()) };
        if !body.fill_buf()?.is_empty() {
            return Ok(());
        }
        match mem::replace(&mut self.state, State::Ended) {
            State::Open(body) => content::close(*body),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> BufRead for Decryptor<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Err(error) = self.end_if_empty() {
            let error = CryptoError::from_io(error, CryptoError::Decompression);
            self.state = State::Failed(error.to_string());
            return Err(error.into());
        }
        match &mut self.state {
            State::Open(body) => body.fill_buf(),
            State::Ended => Ok(&[]),
            State::Failed(reason) => Err(CryptoError::Stopped(reason.clone()).into()),
        }
    }

    fn consume(&mut self, amount: usize) {
        if let State::Open(body) = &mut self.state {
            body.consume(amount);
        }
    }
}

impl<R: BufRead> Read for Decryptor<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        read_buffered(self, into)
    }
}

impl<R: BufRead> fmt::Debug for Decryptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").finish_non_exhaustive()
    }
}

//! The message's octets: armoured or binary, as its first byte shows.

use std::io::{self, BufRead, Read};

use super::dearmor::Dearmorer;
use crate::cipher::WINDOW;
use crate::error::CryptoError;
use crate::packet::body::read_buffered;

/// Reads a message in either form; an error of the source is a [`CryptoError::Source`].
pub(crate) enum Octets<R> {
    Binary(Source<R>),
    Armored(Box<Dearmorer<Source<R>>>),
}

impl<R: BufRead> Octets<R> {
    /// Looks at the first byte: a packet's first bit is 1, and no text begins so.
    pub(crate) fn new(source: R) -> io::Result<Self> {
        let mut source = Source(source);
        match source.fill_buf()?.first() {
            None => Err(CryptoError::NotOpenPgp("it is empty".to_owned()).into()),
            Some(octet) if octet & 0x80 != 0 => Ok(Self::Binary(source)),
            Some(_) => Ok(Self::Armored(Box::new(Dearmorer::new(source)?))),
        }
    }
}

impl<R: BufRead> BufRead for Octets<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Binary(source) => source.fill_buf(),
            Self::Armored(source) => source.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Binary(source) => source.consume(amount),
            Self::Armored(source) => source.consume(amount),
        }
    }
}

impl<R: BufRead> Read for Octets<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

/// The caller's reader, its errors marked as such.
pub(crate) struct Source<R>(R);

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = loop {
            match self.0.fill_buf() {
                Ok(bytes) => break bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CryptoError::Source(error).into()),
            }
        };
        match filled {
            // Another look might read again.
            0 => Ok(&[]),
            // What is filled is given again; a window of it, for which there is room further on.
            filled => Ok(&self.0.fill_buf()?[..filled.min(WINDOW)]),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

//! The message's octets: armoured or binary, as its first byte tells.

use std::io::{self, BufRead, BufReader, Read};

use super::dearmor::Dearmorer;
use crate::cipher::WINDOW;
use crate::error::CryptoError;
use crate::packet::body::read_buffered;

/// Reads a message in either form; an error of the source is a [`CryptoError::Source`].
pub(crate) enum Octets<R> {
    Binary(BufReader<Source<R>>),
    Armored(Box<Dearmorer<BufReader<Source<R>>>>),
}

impl<R: Read> Octets<R> {
    /// Looks at the first byte: a packet's first bit is 1, and no text begins so.
    pub(crate) fn new(source: R) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(WINDOW, Source(source));
        match source.fill_buf()?.first() {
            None => Err(CryptoError::NotOpenPgp("it is empty".to_owned()).into()),
            Some(octet) if octet & 0x80 != 0 => Ok(Self::Binary(source)),
            Some(_) => Ok(Self::Armored(Box::new(Dearmorer::new(source)?))),
        }
    }
}

impl<R: Read> BufRead for Octets<R> {
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

impl<R: Read> Read for Octets<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

/// The caller's reader, its errors marked as such.
pub(crate) struct Source<R>(R);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map_err(|error| CryptoError::Source(error).into()),
            }
        }
    }
}

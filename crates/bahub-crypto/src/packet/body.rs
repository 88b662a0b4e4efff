//! The body of a packet as a stream, whatever form its length has.

use std::io::{self, BufRead, Read};

use super::header::{Length, new_length};
use crate::error::CryptoError;

/// Yields the bytes of one packet's body and then ends; a body that is cut off is an error.
#[derive(Debug)]
pub(crate) struct Body<S> {
    source: S,
    left: u64,
    length: Length,
}

impl<S: BufRead> Body<S> {
    /// Starts behind the packet's header.
    pub(crate) fn new(source: S, length: Length) -> Self {
        Self { source, left: part(length), length }
    }

    /// Returns what surrounds the packet.
    pub(crate) fn into_source(self) -> S {
        self.source
    }

    /// Returns what surrounds the packet.
    pub(crate) fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// Reads up to the end.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        drain(self)
    }
}

/// Reads up to the end.
pub(crate) fn drain(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        match source.fill_buf()?.len() {
            0 => return Ok(()),
            n => source.consume(n),
        }
    }
}

fn part(length: Length) -> u64 {
    match length {
        Length::Full(n) | Length::Partial(n) => u64::from(n),
        Length::Indeterminate => u64::MAX,
    }
}

impl<S: BufRead> BufRead for Body<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.left == 0 {
            if !matches!(self.length, Length::Partial(_)) {
                return Ok(&[]);
            }
            self.length = new_length(&mut self.source)?;
            self.left = part(self.length);
        }
        let bytes = self.source.fill_buf()?;
        if bytes.is_empty() && self.length != Length::Indeterminate {
            return Err(CryptoError::Truncated.into());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[..most])
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
        if self.length != Length::Indeterminate {
            self.left -= amount as u64;
        }
    }
}

impl<S: BufRead> Read for Body<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

/// `Read::read` for what is a `BufRead` first.
pub(crate) fn read_buffered(source: &mut impl BufRead, into: &mut [u8]) -> io::Result<usize> {
    let bytes = source.fill_buf()?;
    let n = bytes.len().min(into.len());
    into[..n].copy_from_slice(&bytes[..n]);
    source.consume(n);
    Ok(n)
}

/// Fills the buffer as far as the source goes; fewer bytes mean its end.
pub(crate) fn read_full(source: &mut impl BufRead, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match read_buffered(source, &mut into[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

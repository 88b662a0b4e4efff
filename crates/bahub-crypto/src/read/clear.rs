//! The decrypted packets of a message of either version.

use std::io::{self, BufRead, Read};

use bahub_core::keys::SessionKey;

use super::Octets;
use super::seipd1::{Check, Seipd1};
use super::seipd2::Seipd2;
use crate::error::CryptoError;
use crate::keys::session_key;
use crate::packet::body::{Body, read_buffered};
use crate::packet::{envelope, header};

/// Yields the inner packets. Its end is given only after everything was verified (if it was not before) and the source was at
/// its end too.
pub(super) enum Clear<R> {
    V1(Box<Seipd1<Octets<R>>>),
    V2(Box<Seipd2<Octets<R>>>),
}

impl<R: BufRead> Clear<R> {
    /// Reads up to the encrypted data and prepares to decrypt it.
    pub(super) fn open(source: R, key: &SessionKey, check: Check) -> io::Result<Self> {
        let mut octets = Octets::new(source)?;
        let tag = envelope::open(&mut octets, |_| {})?;
        let length = tag.length(&mut octets)?;
        let mut body = Body::new(octets, length);
        let version = header::octet(&mut body)?;
        let bytes = session_key::bytes(key)?;
        match (version, key.cipher) {
            (1, Some(cipher)) => Ok(Self::V1(Box::new(Seipd1::new(body, cipher, &bytes, check)?))),
            (1, None) => Err(CryptoError::SessionKey("it has no cipher, which version 1 requires").into()),
            (2, Some(_)) => Err(CryptoError::SessionKey("it is for version 1").into()),
            (2, None) => Ok(Self::V2(Box::new(Seipd2::new(body, &bytes)?))),
            (other, _) => Err(CryptoError::Unsupported(format!("version {other} of the encrypted data packet")).into()),
        }
    }
}

impl<R: BufRead> BufRead for Clear<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::V1(body) => body.fill_buf(),
            Self::V2(body) => body.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::V1(body) => body.consume(amount),
            Self::V2(body) => body.consume(amount),
        }
    }
}

impl<R: BufRead> Read for Clear<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

//! ASCII armour (RFC 9580 section 6).

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cipher::WINDOW;
use crate::crc24::Crc24;
use crate::error::CryptoError;

/// The bytes of data on a line of 64 characters.
const LINE: usize = 48;
const HEAD: &[u8] = b"-----BEGIN PGP MESSAGE-----\n\n";
const TAIL: &[u8] = b"-----END PGP MESSAGE-----\n";

/// The form of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Binary,
    /// In ASCII armour; with a checksum, which gpg 2.2 needs and RFC 9580 forbids for SEIPD version 2.
    Armored { checksum: bool },
}

/// Where a message goes to, in the form wanted there.
pub(super) enum Output<W> {
    /// As it is.
    Binary(W),
    /// In ASCII armour.
    Armored(Armorer<W>),
}

impl<W: Write> Output<W> {
    pub(super) fn new(sink: W, form: Form) -> Self {
        match form {
            Form::Binary => Self::Binary(sink),
            Form::Armored { checksum } => Self::Armored(Armorer::new(sink, checksum.then(Crc24::new))),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CryptoError> {
        match self {
            Self::Binary(sink) => sink.write_all(bytes).map_err(CryptoError::Sink),
            Self::Armored(armorer) => armorer.write(bytes),
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), CryptoError> {
        match self {
            Self::Binary(sink) => sink,
            Self::Armored(armorer) => &mut armorer.sink,
        }
        .flush()
        .map_err(CryptoError::Sink)
    }

    pub(super) fn finish(self) -> Result<W, CryptoError> {
        let mut sink = match self {
            Self::Binary(sink) => sink,
            Self::Armored(armorer) => armorer.finish()?,
        };
        sink.flush().map_err(CryptoError::Sink)?;
        Ok(sink)
    }
}

/// Collects lines and hands them on in pieces of about a window.
pub(super) struct Armorer<W> {
    sink: W,
    text: Vec<u8>,
    rest: Vec<u8>,
    checksum: Option<Crc24>,
}

impl<W: Write> Armorer<W> {
    fn new(sink: W, checksum: Option<Crc24>) -> Self {
        let mut text = Vec::with_capacity(WINDOW + LINE * 2);
        text.extend(HEAD);
        Self { sink, text, rest: Vec::with_capacity(LINE), checksum }
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), CryptoError> {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        if !self.rest.is_empty() {
            let missing = (LINE - self.rest.len()).min(bytes.len());
            self.rest.extend(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.rest.len() < LINE {
                return Ok(());
            }
            line(&mut self.text, &self.rest);
            self.rest.clear();
        }
        let mut lines = bytes.chunks_exact(LINE);
        for data in &mut lines {
            line(&mut self.text, data);
            if self.text.len() >= WINDOW {
                self.emit()?;
            }
        }
        self.rest.extend(lines.remainder());
        Ok(())
    }

    fn finish(mut self) -> Result<W, CryptoError> {
        if !self.rest.is_empty() {
            line(&mut self.text, &self.rest);
        }
        if let Some(checksum) = self.checksum.take() {
            self.text.push(b'=');
            line(&mut self.text, &checksum.finish());
        }
        self.text.extend(TAIL);
        self.emit()?;
        Ok(self.sink)
    }

    fn emit(&mut self) -> Result<(), CryptoError> {
        self.sink.write_all(&self.text).map_err(CryptoError::Sink)?;
        self.text.clear();
        Ok(())
    }
}

fn line(text: &mut Vec<u8>, data: &[u8]) {
    let start = text.len();
    text.resize(start + LINE / 3 * 4, 0);
    let n = STANDARD.encode_slice(data, &mut text[start..]).expect("48 bytes of data make 64 characters");
    text.truncate(start + n);
    text.push(b'\n');
}

//! ASCII armour (RFC 9580 section 6).

use std::io::Write;
use std::mem;

use base64_simd::{AsOut, STANDARD};

use crate::cipher::WINDOW;
use crate::crc24::Crc24;
use crate::error::CryptoError;

/// The bytes of data on a line.
const LINE: usize = 48;
/// The characters of a line.
const WIDTH: usize = 64;
/// The bytes of data that are encoded at once.
const BATCH: usize = LINE * 1024;
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
    characters: Vec<u8>,
    checksum: Option<Crc24>,
}

impl<W: Write> Armorer<W> {
    fn new(sink: W, checksum: Option<Crc24>) -> Self {
        let mut text = Vec::with_capacity(2 * WINDOW + 4096);
        text.extend(HEAD);
        Self { sink, text, rest: Vec::with_capacity(LINE), characters: vec![0; BATCH / LINE * WIDTH], checksum }
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
            self.rest_line();
        }
        let (whole, rest) = bytes.split_at(bytes.len() / LINE * LINE);
        for batch in whole.chunks(BATCH) {
            self.lines(batch);
            if self.text.len() >= WINDOW {
                self.emit()?;
            }
        }
        self.rest.extend(rest);
        Ok(())
    }

    fn finish(mut self) -> Result<W, CryptoError> {
        self.rest_line();
        if let Some(checksum) = self.checksum.take() {
            self.text.push(b'=');
            self.lines(&checksum.finish());
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

    fn rest_line(&mut self) {
        let rest = mem::take(&mut self.rest);
        self.lines(&rest);
        self.rest = rest;
        self.rest.clear();
    }

    fn lines(&mut self, data: &[u8]) {
        let characters = STANDARD.encode(data, self.characters.as_mut_slice().as_out());
        for line in characters.chunks(WIDTH) {
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
        }
    }
}

//! The writer of whole messages.

use std::fmt;
use std::io::{self, Write};

use bahub_core::keys::{MessageFormat, Recipient};
use openssl::rand::rand_bytes;
use sequoia_openpgp::crypto::SessionKey;

use super::armor::{Form, Output};
use super::frames::Frames;
use super::literal::Literal;
use super::seipd1::Seipd1;
use super::seipd2::Seipd2;
use crate::cipher::aead::{Parameters, SALT};
use crate::error::CryptoError;
use crate::keys::address;

/// Encrypts what is written to it, for every recipient.
///
/// The sink gets pieces of about 64 KiB. Only [`Encryptor::finish`] makes a whole message: what was written without it
/// fails the integrity check of every reader, or is no message at all. After an error every call fails.
pub struct Encryptor<W: Write> {
    state: State<W>,
}

enum State<W: Write> {
    Open(Box<Open<W>>),
    Failed(String),
}

struct Open<W> {
    literal: Literal,
    cipher: Cipher<W>,
}

enum Cipher<W> {
    V1(Seipd1<W>),
    V2(Seipd2<W>),
}

impl<W: Write> Encryptor<W> {
    /// Makes a session key, encrypts it for every recipient, and starts the message.
    ///
    /// Nothing is written to `sink` yet.
    ///
    /// # Errors
    /// [`CryptoError::NoRecipient`], or [`CryptoError::Recipient`] for the first one that cannot be encrypted for.
    pub fn new(sink: W, recipients: &[Recipient], format: MessageFormat, armor: bool) -> Result<Self, CryptoError> {
        let session_key = SessionKey::new(32).map_err(|error| CryptoError::Backend(error.to_string()))?;
        let prelude = address::session_key_packets(&session_key, recipients, format)?;
        let checksum = format == MessageFormat::Rfc4880;
        let output = Output::new(sink, if armor { Form::Armored { checksum } } else { Form::Binary });
        let cipher = match format {
            MessageFormat::Rfc4880 => Cipher::V1(Seipd1::new(Frames::new(output, prelude, &[1]), &session_key)?),
            MessageFormat::Rfc9580 => {
                let mut salt = [0; SALT];
                rand_bytes(&mut salt)?;
                let [cipher, aead, chunk] = Parameters::OURS.octets();
                let start = [&[2, cipher, aead, chunk], &salt[..]].concat();
                Cipher::V2(Seipd2::new(Frames::new(output, prelude, &start), &session_key, &salt)?)
            }
        };
        Ok(Self { state: State::Open(Box::new(Open { literal: Literal::new(), cipher })) })
    }

    /// Writes the end of the message, which makes it whole, flushes the sink and returns it.
    ///
    /// # Errors
    /// Any error of the sink, also one that an earlier write has had.
    pub fn finish(self) -> Result<W, CryptoError> {
        match self.state {
            State::Open(open) => match open.cipher {
                Cipher::V1(mut body) => open.literal.finish(&mut body).and_then(|()| body.finish()),
                Cipher::V2(mut body) => open.literal.finish(&mut body).and_then(|()| body.finish()),
            },
            State::Failed(reason) => Err(CryptoError::Stopped(reason)),
        }
    }

    fn attempt(&mut self, act: impl FnOnce(&mut Open<W>) -> Result<(), CryptoError>) -> io::Result<()> {
        let result = match &mut self.state {
            State::Open(open) => act(open),
            State::Failed(reason) => Err(CryptoError::Stopped(reason.clone())),
        };
        result.map_err(|error| {
            self.state = State::Failed(error.to_string());
            error.into()
        })
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.attempt(|open| match &mut open.cipher {
            Cipher::V1(body) => open.literal.write(plain, body),
            Cipher::V2(body) => open.literal.write(plain, body),
        })?;
        Ok(plain.len())
    }

    /// Flushes the sink; plaintext that does not fill a part yet stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.attempt(|open| match &mut open.cipher {
            Cipher::V1(body) => body.flush(),
            Cipher::V2(body) => body.flush(),
        })
    }
}

impl<W: Write> fmt::Debug for Encryptor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor").finish_non_exhaustive()
    }
}

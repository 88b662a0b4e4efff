//! Plaintext in, message out: literal packet → SEIPD body → partial body lengths → armour → sink.

mod armor;
mod encryptor;
mod frames;
mod literal;
mod seipd1;
mod seipd2;

pub use encryptor::Encryptor;

use crate::error::CryptoError;

/// A stage that takes bytes of the inner packets.
pub(crate) trait Stage {
    /// Takes more bytes.
    fn push(&mut self, bytes: &[u8]) -> Result<(), CryptoError>;
}

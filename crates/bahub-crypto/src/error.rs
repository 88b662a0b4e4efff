//! What can go wrong with a stream or a key pair.

use std::io;
use std::path::PathBuf;

/// A message could not be written or read, or a key pair could not be made.
///
/// [`Decryptor`](crate::Decryptor) and [`Encryptor`](crate::Encryptor) hand it out inside of an [`io::Error`];
/// [`CryptoError::of`] finds it there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The place that the message comes from failed.
    #[error("cannot read the encrypted message: {0}")]
    Source(#[source] io::Error),
    /// The place that the message goes to failed.
    #[error("cannot write the encrypted message: {0}")]
    Sink(#[source] io::Error),
    /// The bytes are not OpenPGP.
    #[error("this is not an OpenPGP message: {0}")]
    NotOpenPgp(String),
    /// OpenPGP, but nothing that is encrypted.
    #[error("this OpenPGP message is not encrypted: it begins with {0}")]
    NotEncrypted(&'static str),
    /// Encrypted, but without protection against changes, or in a way that only LibrePGP knows.
    #[error("this message is refused: {0}")]
    Refused(&'static str),
    /// Something that OpenPGP allows and this reader does not know.
    #[error("the message uses a format that bahub does not support: {0}")]
    Unsupported(String),
    /// The message ends before its end.
    #[error("the message is damaged: it is cut off")]
    Truncated,
    /// The hash at the end of a message of version 1 is another one.
    #[error("the message is damaged: its integrity check (MDC) does not match")]
    Mdc,
    /// A chunk of a message of version 2 was changed.
    #[error("the message is damaged: the authentication tag of chunk {0} does not match")]
    Chunk(u64),
    /// The end of a message of version 2 was changed.
    #[error("the message is damaged: its final authentication tag does not match")]
    FinalTag,
    /// The packets do not follow the format.
    #[error("the message is damaged: {0}")]
    Malformed(&'static str),
    /// The ASCII armour does not follow the format.
    #[error("the message's ASCII armour is damaged: {0}")]
    Armor(&'static str),
    /// The data inside of the message cannot be decompressed.
    #[error("the message is damaged: its data cannot be decompressed: {0}")]
    Decompression(#[source] io::Error),
    /// There is more after the end of the message.
    #[error("the message is damaged: there is more data after its end")]
    Trailing,
    /// The session key cannot belong to this message.
    #[error("the session key does not belong to this message: {0}")]
    SessionKey(&'static str),
    /// Without a recipient the message could never be read.
    #[error("a message needs at least one recipient")]
    NoRecipient,
    /// A recipient's certificate cannot be encrypted for.
    #[error("cannot encrypt for the key {fingerprint}: {reason}")]
    Recipient {
        /// The certificate's fingerprint.
        fingerprint: String,
        /// Why not.
        reason: String,
    },
    /// The stream failed before; it cannot go on.
    #[error("{0}")]
    Stopped(String),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed: {0}")]
    Backend(String),
    /// A key pair could not be made.
    #[error("cannot generate a key pair: {0}")]
    Generation(String),
    /// A file that a new key should go to is there already.
    #[error("{} exists already, and a key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// A file of a new key could not be written.
    #[error("cannot write the key file {}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CryptoError {
    /// Finds the error that a stream of this crate has put into an [`io::Error`].
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// True if the message itself is to blame: it was changed, cut, or is no message.
    ///
    /// False where trying again, or with another key, may help.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Truncated
                | Self::Mdc
                | Self::Chunk(_)
                | Self::FinalTag
                | Self::Malformed(_)
                | Self::Armor(_)
                | Self::Decompression(_)
                | Self::Trailing
                | Self::NotOpenPgp(_)
        )
    }

    /// Takes the error out of an [`io::Error`] again; one that is not ours goes through `foreign`.
    pub(crate) fn from_io(error: io::Error, foreign: fn(io::Error) -> Self) -> Self {
        error.downcast::<Self>().unwrap_or_else(foreign)
    }
}

impl From<CryptoError> for io::Error {
    fn from(error: CryptoError) -> Self {
        let kind = match &error {
            CryptoError::Source(inner) | CryptoError::Sink(inner) => inner.kind(),
            CryptoError::Truncated => io::ErrorKind::UnexpectedEof,
            CryptoError::Backend(_) | CryptoError::Stopped(_) => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<openssl::error::ErrorStack> for CryptoError {
    fn from(error: openssl::error::ErrorStack) -> Self {
        Self::Backend(error.to_string())
    }
}

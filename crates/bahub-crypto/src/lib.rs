//! OpenPGP streams and keys for bahub: fast, bounded memory, readable by gpg.
//!
//! [`Encryptor`] and [`Decryptor`] stream a message; [`OpenPgpKeys`] checks recipients and unlocks session keys;
//! [`generate`] makes a key pair. Keys, signatures, and the packets that carry a session key are sequoia-openpgp's
//! work; the bulk of a message is encrypted and hashed here, over OpenSSL or RustCrypto's `aes` and `sha1`, whichever is
//! quicker on this processor, because that needs a third of the time.
#![forbid(unsafe_code)]

mod cipher;
mod crc24;
mod error;
mod keys;
mod packet;
mod read;
mod write;

pub use error::CryptoError;
pub use keys::OpenPgpKeys;
pub use keys::addressees::addressees;
pub use keys::generate::{GeneratedKey, KeyAlgorithm, KeyGeneration, generate, write_key_pair};
pub use read::Decryptor;
pub use write::Encryptor;

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
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

//! The port to the cryptography: who a backup is encrypted for, and what unlocks it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::secret::Secret;

/// The packet format of an encrypted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum MessageFormat {
    /// SEIPD version 1, AES-256 with MDC: every GnuPG since 2.1 reads it.
    #[default]
    #[serde(rename = "rfc4880")]
    Rfc4880,
    /// SEIPD version 2 (AEAD, RFC 9580 section 5.13.2). GnuPG does not read it.
    #[serde(rename = "rfc9580")]
    Rfc9580,
}

/// The keys of one entry of the section `encryption`, as configured: nothing is read from disk yet.
#[derive(Debug, Clone, Default)]
pub struct EncryptionSpec {
    /// The entry's name, for messages.
    pub name: String,
    /// The file of the private key; needed for restores and verification only.
    pub private_key_path: Option<PathBuf>,
    /// The file of the public key; `None` means the public half of the private key.
    pub public_key_path: Option<PathBuf>,
    /// What the private key is locked with.
    pub passphrase: Option<Secret>,
    /// The address that a user id of the entry's own key must carry.
    pub email: Option<String>,
    /// What the fingerprint of the entry's own key must end with, in upper-case hexadecimal.
    pub fingerprint: Option<String>,
    /// More public key files that the backup is encrypted for.
    pub recipients: Vec<PathBuf>,
    /// The packet format.
    pub format: MessageFormat,
}

/// A public key that was checked: valid now, unrevoked, unexpired, able to encrypt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The fingerprint of the certificate, in upper-case hexadecimal.
    pub fingerprint: String,
    /// A user id, for people.
    pub user_id: Option<String>,
    /// The certificate in binary OpenPGP (RFC 9580 section 10.1), public parts only.
    #[serde(with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// When the key stops being usable, in seconds since the epoch; `None` for never.
    pub expires: Option<i64>,
}

/// What opens exactly one message.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionKey {
    /// The symmetric algorithm's number (RFC 9580 section 9.3); `None` where the message itself names it (SEIPD
    /// version 2).
    pub cipher: Option<u8>,
    /// The key's bytes, in hexadecimal.
    #[serde(with = "crate::secret::in_job")]
    pub key: Secret,
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}

/// What kind of thing went wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyErrorKind {
    /// A key file is missing or cannot be read.
    Unreadable,
    /// The file holds no OpenPGP key.
    NotAKey,
    /// The key cannot be used: expired, revoked, unable to encrypt, without the configured address.
    Unusable,
    /// The passphrase is wrong or missing.
    Locked,
    /// None of the keys opens this message.
    NotForUs,
    /// The bytes are no message that can be read: not OpenPGP, not encrypted, without integrity protection, damaged.
    NotAMessage,
}

/// A problem with a key, or with opening a message.
pub type KeyError = Fault<KeyErrorKind>;

/// Checks recipients and unlocks messages; the controller has one, an agent none. `bahub_crypto::OpenPgpKeys` is the one over key
/// files.
///
/// ```
/// use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind, Keys, Recipient, SessionKey};
///
/// /// Other keys, of which one that expires within 30 days is refused.
/// #[derive(Debug)]
/// struct Lasting<K>(K);
///
/// impl<K: Keys> Keys for Lasting<K> {
///     fn recipients(&self, spec: &EncryptionSpec) -> Result<Vec<Recipient>, KeyError> {
///         let recipients = self.0.recipients(spec)?;
///         let soon = jiff::Timestamp::now().as_second() + 30 * 24 * 60 * 60;
///         match recipients.iter().find(|key| key.expires.is_some_and(|end| end < soon)) {
///             None => Ok(recipients),
///             Some(key) => {
///                 let message = format!("the key {} of {:?} expires within 30 days", key.fingerprint, spec.name);
///                 Err(KeyError::new(KeyErrorKind::Unusable, message).with_help("extend it, or name another recipient"))
///             }
///         }
///     }
///
///     fn unlock(&self, spec: &EncryptionSpec, head: &[u8]) -> Result<SessionKey, KeyError> {
///         self.0.unlock(spec, head)
///     }
/// }
/// ```
pub trait Keys: fmt::Debug + Send + Sync {
    /// Reads the entry's public keys and checks that every one of them can be encrypted for, now.
    ///
    /// # Errors
    /// The first key that is not usable, named by file, fingerprint and reason.
    fn recipients(&self, spec: &EncryptionSpec) -> Result<Vec<Recipient>, KeyError>;

    /// Unlocks the session key of a message from its first bytes.
    ///
    /// `head` holds at least everything up to the encrypted data packet, armoured or binary; [`MAX_HEAD`] bytes are
    /// always enough for a message that bahub or the original product wrote.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotForUs`] if no key fits, [`KeyErrorKind::Locked`] for a passphrase that does not open the
    /// private key, [`KeyErrorKind::NotAMessage`] for what is no protected message.
    fn unlock(&self, spec: &EncryptionSpec, head: &[u8]) -> Result<SessionKey, KeyError>;
}

/// How many bytes of a message's start are handed to [`Keys::unlock`]: room for some hundred recipients.
pub const MAX_HEAD: usize = 128 * 1024;

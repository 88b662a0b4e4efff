//! The port to the cryptography: who a backup is encrypted for, and what unlocks it.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretSlice};
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

/// Where a key is read from: one or more OpenPGP keys, armoured or binary (RFC 9580 section 10).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// A file, read at each use.
    File(PathBuf),
    /// What such a file holds, in memory.
    Memory(KeyMaterial),
}

impl KeySource {
    /// This file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// This content, armoured or binary.
    pub fn memory(content: impl Into<Vec<u8>>) -> Self {
        Self::Memory(KeyMaterial::new(content))
    }

    /// The file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Memory(_) => f.write_str("the key material in memory"),
        }
    }
}

/// Key material whose `Debug` is redacted, and which is wiped from memory when dropped.
#[derive(Clone)]
pub struct KeyMaterial(SecretSlice<u8>);

impl KeyMaterial {
    /// Takes the bytes over: one or more OpenPGP keys, armoured or binary. They are parsed at each use.
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        let mut content = content.into();
        // Of the exact size: a larger one would be moved, and stay behind.
        let exact: Box<[u8]> = Box::from(content.as_slice());
        content.zeroize();
        Self(SecretSlice::from(exact))
    }

    /// Returns the bytes themselves, for the parser.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for KeyMaterial {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for KeyMaterial {}

/// The keys of a plan, as configured: nothing is read from disk yet.
///
/// ```
/// use bahub_core::keys::{EncryptionSpec, KeySource};
/// use bahub_core::secret::Secret;
///
/// let armoured = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n...";
/// let spec = EncryptionSpec::new("of the vault")
///     .with_private_key(KeySource::memory(armoured))
///     .with_passphrase(Secret::new("hunter22"));
/// assert!(!format!("{spec:?}").contains("BEGIN"));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EncryptionSpec {
    /// The entry's name, for messages.
    pub name: String,
    /// The private key; needed for restores and verification only.
    pub private_key: Option<KeySource>,
    /// The public key; `None` means the public half of the private key.
    pub public_key: Option<KeySource>,
    /// What the private key is locked with.
    pub passphrase: Option<Secret>,
    /// The address that a user id of the entry's own key must carry.
    pub email: Option<String>,
    /// What the fingerprint of the entry's own key must end with, in upper-case hexadecimal.
    pub fingerprint: Option<String>,
    /// More public keys that the backup is encrypted for.
    pub recipients: Vec<KeySource>,
    /// The packet format.
    pub format: MessageFormat,
}

impl EncryptionSpec {
    /// No key yet; the name is for messages.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the private key.
    #[must_use]
    pub fn with_private_key(self, key: KeySource) -> Self {
        Self { private_key: Some(key), ..self }
    }

    /// Sets the public key.
    #[must_use]
    pub fn with_public_key(self, key: KeySource) -> Self {
        Self { public_key: Some(key), ..self }
    }

    /// Sets what the private key is locked with.
    #[must_use]
    pub fn with_passphrase(self, passphrase: Secret) -> Self {
        Self { passphrase: Some(passphrase), ..self }
    }

    /// Wants this address in a user id of the own key.
    #[must_use]
    pub fn with_email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// Wants the own key's fingerprint to end with this, in upper-case hexadecimal.
    #[must_use]
    pub fn with_fingerprint(self, end: impl Into<String>) -> Self {
        Self { fingerprint: Some(end.into()), ..self }
    }

    /// Adds a public key that the backup is encrypted for as well.
    #[must_use]
    pub fn with_recipient(mut self, key: KeySource) -> Self {
        self.recipients.push(key);
        self
    }

    /// Sets the packet format.
    #[must_use]
    pub fn with_format(self, format: MessageFormat) -> Self {
        Self { format, ..self }
    }
}

/// A public key that was checked: valid now, unrevoked, unexpired, able to encrypt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Recipient {
    /// A key of this fingerprint and certificate, without a user id, that stays usable.
    pub fn new(fingerprint: impl Into<String>, certificate: Vec<u8>) -> Self {
        Self { fingerprint: fingerprint.into(), user_id: None, certificate, expires: None }
    }
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
#[non_exhaustive]
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
/// Both calls may block: they read files, and stretching a passphrase takes a second or more. The engine makes them on a thread
/// for blocking work (`tokio::task::spawn_blocking`), never on one that drives futures; an implementation needs no `async`.
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

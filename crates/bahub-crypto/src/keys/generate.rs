//! New key pairs, which every GnuPG since 2.1 can use as well.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use bahub_core::secret::Secret;
use sequoia_openpgp::Profile;
use sequoia_openpgp::anyhow;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::Password;
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::KeyFlags;

use super::usable::one_line;
use crate::error::CryptoError;

/// The algorithm of a new key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519 for signatures, X25519 for encryption, in the encoding that GnuPG knows.
    #[default]
    Cv25519,
    /// RSA of 4096 bits, for places where only RSA is accepted.
    Rsa4096,
}

/// The parameters of a new key pair.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyGeneration {
    /// The owner's name, if the user id has one.
    pub name: Option<String>,
    /// The address in the user id.
    pub email: String,
    /// What the private key is locked with; `None` or an empty text leaves it open.
    pub passphrase: Option<Secret>,
    /// The algorithm.
    pub algorithm: KeyAlgorithm,
    /// How long the key is valid; `None` is for ever.
    pub validity: Option<Duration>,
}

impl KeyGeneration {
    /// A key pair of the usual algorithm for this address, which is valid for ever and not locked.
    pub fn new(email: impl Into<String>) -> Self {
        let algorithm = KeyAlgorithm::default();
        Self { name: None, email: email.into(), passphrase: None, algorithm, validity: None }
    }

    /// Puts the owner's name into the user id.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Locks the private key.
    #[must_use]
    pub fn with_passphrase(self, passphrase: Secret) -> Self {
        Self { passphrase: Some(passphrase), ..self }
    }

    /// Takes this algorithm.
    #[must_use]
    pub fn with_algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Lets the key expire.
    #[must_use]
    pub fn valid_for(self, validity: Duration) -> Self {
        Self { validity: Some(validity), ..self }
    }
}

/// A new key pair, in ASCII armour.
pub struct GeneratedKey {
    /// The private key.
    pub secret: Secret,
    /// The public key.
    pub public: String,
    /// The fingerprint, in upper-case hexadecimal.
    pub fingerprint: String,
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Makes a key pair of version 4: a primary key that certifies and signs, and a subkey for encryption.
///
/// # Errors
/// [`CryptoError::Generation`] for an address or a name that makes no user id.
pub fn generate(spec: &KeyGeneration) -> Result<GeneratedKey, CryptoError> {
    build(spec).map_err(|error| CryptoError::Generation(one_line(&error)))
}

fn build(spec: &KeyGeneration) -> anyhow::Result<GeneratedKey> {
    let name = spec.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let suite = match spec.algorithm {
        KeyAlgorithm::Cv25519 => CipherSuite::Cv25519,
        KeyAlgorithm::Rsa4096 => CipherSuite::RSA4k,
    };
    let passphrase = spec.passphrase.as_ref().filter(|text| !text.is_empty());
    let (certificate, _) = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_cipher_suite(suite)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(UserID::from_address(name, None, spec.email.trim())?)
        .add_subkey(KeyFlags::empty().set_transport_encryption().set_storage_encryption(), None, None)
        .set_validity_period(spec.validity)
        .set_password(passphrase.map(|text| Password::from(text.expose())))
        .generate()?;
    Ok(GeneratedKey {
        secret: Secret::new(String::from_utf8(certificate.as_tsk().armored().to_vec()?)?),
        public: String::from_utf8(certificate.armored().to_vec()?)?,
        fingerprint: certificate.fingerprint().to_hex(),
    })
}

/// Writes both halves of a key pair into new files, the private one readable by its owner alone, and flushes them to
/// disk.
///
/// # Errors
/// [`CryptoError::Exists`] if either file is there, before anything is written; [`CryptoError::KeyFile`] for what the
/// disk refuses, after which neither file is left.
pub fn write_key_pair(key: &GeneratedKey, secret_path: &Path, public_path: &Path) -> Result<(), CryptoError> {
    for path in [secret_path, public_path] {
        if path.symlink_metadata().is_ok() {
            return Err(CryptoError::Exists(path.to_owned()));
        }
    }
    write_new(secret_path, key.secret.expose(), 0o600)?;
    write_new(public_path, &key.public, 0o644).inspect_err(|_| {
        // The error to report is the one that led here.
        let _ = fs::remove_file(secret_path);
    })
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), CryptoError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => CryptoError::Exists(path.to_owned()),
        _ => CryptoError::KeyFile { path: path.to_owned(), source },
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    fill(&file, path, text, mode).map_err(|error| {
        let _ = fs::remove_file(path);
        failed(error)
    })
}

fn fill(mut file: &File, path: &Path, text: &str, mode: u32) -> io::Result<()> {
    // The umask may have taken bits away that others need to read the public half.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

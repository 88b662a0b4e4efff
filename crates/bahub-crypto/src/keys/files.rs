//! Key files: one or more certificates, armoured or binary, with or without private parts.

use std::fs;
use std::path::Path;

use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;

use super::usable::carries;

/// Reads every certificate of a file.
pub(super) fn certificates(path: &Path) -> Result<Vec<Cert>, KeyError> {
    let bytes = fs::read(path).map_err(|error| {
        KeyError::new(KeyErrorKind::Unreadable, format!("cannot read the key file {}", path.display()))
            .with_help("check the path and the file's permissions")
            .with_source(error)
    })?;
    let not_a_key = |error: Option<sequoia_openpgp::anyhow::Error>| {
        let fault = KeyError::new(KeyErrorKind::NotAKey, format!("{} holds no OpenPGP key", path.display()))
            .with_help("export the key with: gpg --export --armor ADDRESS, a private one with: gpg --export-secret-keys --armor ADDRESS");
        match error {
            Some(error) => fault.with_source(error.into_boxed_dyn_error()),
            None => fault,
        }
    };
    let parsed = CertParser::from_bytes(&bytes).map_err(|error| not_a_key(Some(error)))?;
    let certificates = parsed.collect::<Result<Vec<_>, _>>().map_err(|error| not_a_key(Some(error)))?;
    if certificates.is_empty() { Err(not_a_key(None)) } else { Ok(certificates) }
}

/// Reads the entry's own certificate; in a file of several the fingerprint or the address says which.
pub(super) fn own(path: &Path, spec: &EncryptionSpec) -> Result<Cert, KeyError> {
    let mut certificates = certificates(path)?;
    let all = certificates.len();
    if let Some(end) = &spec.fingerprint {
        certificates.retain(|certificate| certificate.fingerprint().to_hex().ends_with(end));
        if certificates.is_empty() {
            let message = format!("no key in {} has the fingerprint {end}", path.display());
            return Err(KeyError::new(KeyErrorKind::Unusable, message)
                .with_help("give the fingerprint of the primary key, or its address"));
        }
    }
    if let (Some(email), 2..) = (&spec.email, all) {
        certificates.retain(|certificate| certificate.userids().any(|user| carries(user.userid(), email)));
    }
    match certificates.pop() {
        Some(certificate) if certificates.is_empty() => Ok(certificate),
        _ => {
            let message = format!("{} holds {all} keys, and it is unclear which is meant", path.display());
            Err(KeyError::new(KeyErrorKind::Unusable, message)
                .with_help("keep one key in the file, and list others under recipients"))
        }
    }
}

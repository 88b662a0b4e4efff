//! Key files, and their content in memory: one or more certificates, armoured or binary, with or without private parts.

use std::fs;
use std::path::Path;

use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind, KeySource};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::crypto::mem::Protected;
use sequoia_openpgp::parse::Parse;

use super::usable::carries;

/// Reads every certificate of a source.
pub(super) fn certificates(source: &KeySource) -> Result<Vec<Cert>, KeyError> {
    match source {
        KeySource::File(path) => parse(source, &read(path)?),
        KeySource::Memory(material) => parse(source, material.expose()),
        _ => Err(KeyError::new(KeyErrorKind::Unreadable, format!("{source} is of an unsupported kind"))
            .with_help("give the key as a file or in memory")),
    }
}

fn read(path: &Path) -> Result<Protected, KeyError> {
    fs::read(path).map(Protected::from).map_err(|error| {
        KeyError::new(KeyErrorKind::Unreadable, format!("cannot read the key file {}", path.display()))
            .with_help("check the path and the file's permissions")
            .with_source(error)
    })
}

fn parse(source: &KeySource, bytes: &[u8]) -> Result<Vec<Cert>, KeyError> {
    let not_a_key = |error: Option<sequoia_openpgp::anyhow::Error>| {
        let fault = KeyError::new(KeyErrorKind::NotAKey, format!("{source} holds no OpenPGP key"))
            .with_help("export the key with: gpg --export --armor ADDRESS, a private one with: gpg --export-secret-keys --armor ADDRESS");
        match error {
            Some(error) => fault.with_source(error.into_boxed_dyn_error()),
            None => fault,
        }
    };
    let parsed = CertParser::from_bytes(bytes).map_err(|error| not_a_key(Some(error)))?;
    let certificates = parsed.collect::<Result<Vec<_>, _>>().map_err(|error| not_a_key(Some(error)))?;
    if certificates.is_empty() { Err(not_a_key(None)) } else { Ok(certificates) }
}

/// Reads the entry's own certificate; in a source of several the fingerprint or the address says which.
pub(super) fn own(source: &KeySource, spec: &EncryptionSpec) -> Result<Cert, KeyError> {
    let mut certificates = certificates(source)?;
    let all = certificates.len();
    if let Some(end) = &spec.fingerprint {
        certificates.retain(|certificate| certificate.fingerprint().to_hex().ends_with(end));
        if certificates.is_empty() {
            let message = format!("no key in {source} has the fingerprint {end}");
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
            let message = format!("{source} holds {all} keys, and it is unclear which is meant");
            Err(KeyError::new(KeyErrorKind::Unusable, message)
                .with_help("keep one key in the file, and list others under recipients"))
        }
    }
}

//! Whether the key files are there; their content is checked by the cryptography.

use std::fs::File;

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::structure::Section;
use crate::keys::{EncryptionSpec, KeySource};

/// What the keys of a backup are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Making a backup: the public keys.
    Seal,
    /// Restoring or verifying one: the private key.
    Open,
}

/// The help where backups are made.
const NEW: &str = "relative paths are resolved from the configuration's folder; for a new key, {generate a key pair}";
/// The help where they are read.
const COPY: &str = "relative paths are resolved from the configuration's folder; use the copy of the key that is kept elsewhere: a new key cannot decrypt old backups";

/// The key files that this use needs and that cannot be read.
pub(super) fn check(spec: &EncryptionSpec, key_use: KeyUse) -> Vec<Finding> {
    let entry = Section::Encryption.entry(&spec.name);
    let mut findings = Vec::new();
    match (key_use, &spec.public_key, &spec.private_key) {
        (KeyUse::Seal, Some(public), _) => {
            findings.extend(unreadable(&format!("{entry}/public_key_path"), public, NEW))
        }
        (KeyUse::Seal, None, Some(private)) => {
            findings.extend(unreadable(&format!("{entry}/private_key_path"), private, NEW));
        }
        (KeyUse::Open, _, Some(private)) => {
            findings.extend(unreadable(&format!("{entry}/private_key_path"), private, COPY));
        }
        (KeyUse::Open, _, None) => {
            let message = format!("the encryption entry \"{}\" has no private key", spec.name);
            let finding = Finding::new(ConfigErrorKind::KeyFile, entry.as_str(), message).on_key();
            findings.push(finding.help("set private_key_path: no backup can be decrypted without it"));
        }
        (KeyUse::Seal, None, None) => {}
    }
    if key_use == KeyUse::Seal {
        for (index, recipient) in spec.recipients.iter().enumerate() {
            findings.extend(unreadable(&format!("{entry}/recipients/{index}"), recipient, NEW));
        }
    }
    findings
}

/// A private key that is only needed for restores may be elsewhere.
pub(super) fn notice(spec: &EncryptionSpec) -> Option<String> {
    let private = spec.private_key.as_ref().filter(|_| spec.public_key.is_some())?.path()?;
    let reason = File::open(private).err()?;
    Some(format!(
        "the private key {} cannot be read ({reason}): backups can be made here, but not restored or verified",
        private.display()
    ))
}

fn unreadable(pointer: &str, key: &KeySource, help: &'static str) -> Option<Finding> {
    let path = key.path()?;
    let reason = match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => "it is a folder".to_owned(),
        Ok(_) => return None,
        Err(error) => error.to_string(),
    };
    let message = format!("cannot read the key file {}: {reason}", path.display());
    Some(Finding::new(ConfigErrorKind::KeyFile, pointer, message).help(help))
}

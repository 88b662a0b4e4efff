//! The keys that the options name.

use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind, Keys, Recipient, SessionKey};
use bahub_crypto::OpenPgpKeys;

/// OpenPGP keys, whose errors say how this program is given a passphrase.
#[derive(Debug)]
pub(super) struct OptionKeys;

impl Keys for OptionKeys {
    fn recipients(&self, spec: &EncryptionSpec) -> Result<Vec<Recipient>, KeyError> {
        OpenPgpKeys.recipients(spec)
    }

    fn unlock(&self, spec: &EncryptionSpec, head: &[u8]) -> Result<SessionKey, KeyError> {
        OpenPgpKeys.unlock(spec, head).map_err(|error| match error.kind() {
            KeyErrorKind::Locked => error.with_help("set BM_PASSPHRASE or --passphrase-file"),
            _ => error,
        })
    }
}

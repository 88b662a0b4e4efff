//! Keys: who can be encrypted for, what unlocks a message, and new pairs.

pub(crate) mod address;
pub(crate) mod addressees;
pub(crate) mod generate;
pub(crate) mod session_key;

mod files;
mod head;
mod unlock;
mod usable;

use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind, Keys, Recipient, SessionKey};

/// The OpenPGP keys of a plan, in files or in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenPgpKeys;

impl Keys for OpenPgpKeys {
    fn recipients(&self, spec: &EncryptionSpec) -> Result<Vec<Recipient>, KeyError> {
        let own = spec.public_key.as_ref().or(spec.private_key.as_ref()).ok_or_else(|| {
            let message = format!("encryption {:?} has no key", spec.name);
            KeyError::new(KeyErrorKind::Unreadable, message).with_help("set public_key_path, private_key_path, or both")
        })?;
        let certificate = files::own(own, spec)?;
        let mut recipients = vec![usable::check(own, &certificate, spec.email.as_deref())?];
        for source in &spec.recipients {
            for certificate in files::certificates(source)? {
                let recipient = usable::check(source, &certificate, None)?;
                if recipients.iter().all(|known| known.fingerprint != recipient.fingerprint) {
                    recipients.push(recipient);
                }
            }
        }
        Ok(recipients)
    }

    fn unlock(&self, spec: &EncryptionSpec, head: &[u8]) -> Result<SessionKey, KeyError> {
        unlock::unlock(spec, head)
    }
}

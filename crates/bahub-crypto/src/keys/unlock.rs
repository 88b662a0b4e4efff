//! A message's session key, unlocked with a private key.

use bahub_core::keys::{EncryptionSpec, KeyError, KeyErrorKind, KeySource, SessionKey};
use bahub_core::secret::Secret;
use sequoia_openpgp::crypto::{KeyPair, Password};
use sequoia_openpgp::packet::key::{SecretParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK};

use super::head::{self, Head};
use super::{files, session_key};

/// Tries every private key of the entry on every packet, those that it names first. Expired and revoked keys count: old
/// backups must stay readable.
pub(super) fn unlock(spec: &EncryptionSpec, head: &[u8]) -> Result<SessionKey, KeyError> {
    let head = head::read(head)?;
    let source = spec.private_key.as_ref().ok_or_else(|| {
        let message = format!("encryption {:?} has no private key, which reading a backup needs", spec.name);
        KeyError::new(KeyErrorKind::Unreadable, message).with_help("set private_key_path")
    })?;
    let mut ring = Ring::read(source, spec.passphrase.as_ref())?;
    let (hidden, named): (Vec<_>, Vec<_>) = head.packets.iter().partition(|packet| packet.recipient().is_none());
    for packet in named.into_iter().chain(hidden) {
        if let Some(key) = ring.open(packet) {
            return Ok(key);
        }
    }
    Err(ring.refusal(source, spec, &head))
}

/// The private keys of a source.
struct Ring {
    keys: Vec<Lock>,
    passphrase: Option<Password>,
    locked: Vec<String>,
}

/// A private key before and after its passphrase was tried.
enum Lock {
    Untried(Key<SecretParts, UnspecifiedRole>),
    Open(KeyPair),
    Stuck,
}

impl Ring {
    fn read(source: &KeySource, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let certificates = files::certificates(source)?;
        let keys: Vec<_> = certificates
            .iter()
            .flat_map(|certificate| certificate.keys().secret())
            .map(|key| key.key().clone())
            .filter(|key| key.pk_algo().for_encryption())
            .map(Lock::Untried)
            .collect();
        if keys.is_empty() {
            let message = format!("{source} holds no private key that can decrypt");
            return Err(KeyError::new(KeyErrorKind::NotAKey, message)
                .with_help("export it with: gpg --export-secret-keys --armor ADDRESS"));
        }
        let passphrase = passphrase.filter(|text| !text.is_empty()).map(|text| Password::from(text.expose()));
        Ok(Self { keys, passphrase, locked: Vec::new() })
    }

    fn open(&mut self, packet: &PKESK) -> Option<SessionKey> {
        for index in 0..self.keys.len() {
            if let Some(pair) = self.pair(index, packet)
                && let Some((cipher, key)) = packet.decrypt(pair, None)
            {
                return Some(session_key::wrap(cipher.map(u8::from), &key));
            }
        }
        None
    }

    /// Returns the key if the packet may be for it, unlocked; a passphrase is tried once for each key.
    fn pair(&mut self, index: usize, packet: &PKESK) -> Option<&mut KeyPair> {
        let lock = &mut self.keys[index];
        if let Lock::Untried(key) = lock {
            if packet.recipient().is_some_and(|recipient| !recipient.aliases(key.key_handle())) {
                return None;
            }
            let id = key.keyid().to_hex();
            match unlocked(key.clone(), self.passphrase.as_ref()) {
                Some(pair) => *lock = Lock::Open(pair),
                None => {
                    *lock = Lock::Stuck;
                    self.locked.push(id);
                }
            }
        }
        match lock {
            Lock::Open(pair) => {
                let fits = packet.recipient().is_none_or(|id| id.aliases(pair.public().key_handle()));
                fits.then_some(pair)
            }
            Lock::Untried(_) | Lock::Stuck => None,
        }
    }

    fn refusal(&self, source: &KeySource, spec: &EncryptionSpec, head: &Head) -> KeyError {
        if !self.locked.is_empty() {
            let keys = self.locked.join(", ");
            let (what, help) = match self.passphrase {
                Some(_) => ("the passphrase does not unlock", "correct the passphrase"),
                None => ("a passphrase is needed for", "set passphrase"),
            };
            let help = format!("{help} of encryption {:?}", spec.name);
            return KeyError::new(KeyErrorKind::Locked, format!("{what} the private key {keys} in {source}"))
                .with_help(help);
        }
        if head.cut {
            let message = "the message ends, or is damaged, before its encrypted data begins";
            return KeyError::new(KeyErrorKind::NotAMessage, message).with_help("use another version");
        }
        if head.packets.is_empty() && head.unknown == 0 {
            let message = "the message is encrypted with a passphrase only, not for a key";
            return KeyError::new(KeyErrorKind::NotForUs, message).with_help("decrypt it with: gpg --decrypt");
        }
        let message = format!("no private key in {source} opens the message");
        let addressees: Vec<_> = head.packets.iter().map(head::addressee).collect();
        let others = if head.unknown > 0 { " and others of unknown kinds" } else { "" };
        let help = format!(
            "it is encrypted for the keys {}{others}: use the private key of one of them",
            addressees.join(", ")
        );
        KeyError::new(KeyErrorKind::NotForUs, message).with_help(help)
    }
}

fn unlocked(key: Key<SecretParts, UnspecifiedRole>, passphrase: Option<&Password>) -> Option<KeyPair> {
    let open = if key.has_unencrypted_secret() { key } else { key.decrypt_secret(passphrase?).ok()? };
    open.into_keypair().ok()
}

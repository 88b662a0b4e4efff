//! A message's session key, encrypted for every recipient.

use std::time::SystemTime;

use bahub_core::keys::{MessageFormat, Recipient};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK, pkesk::PKESK3, pkesk::PKESK6};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::MarshalInto;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, Packet};

use super::usable::one_line;
use crate::error::CryptoError;

/// Returns the session key packets for all recipients.
pub(crate) fn session_key_packets(
    session_key: &SessionKey,
    recipients: &[Recipient],
    format: MessageFormat,
) -> Result<Vec<u8>, CryptoError> {
    if recipients.is_empty() {
        return Err(CryptoError::NoRecipient);
    }
    let mut packets = Vec::new();
    for recipient in recipients {
        let refused = |reason| CryptoError::Recipient { fingerprint: recipient.fingerprint.clone(), reason };
        let certificate = Cert::from_bytes(&recipient.certificate).map_err(|error| refused(one_line(&error)))?;
        if certificate.fingerprint().to_hex() != recipient.fingerprint {
            return Err(refused("the certificate has a different fingerprint".to_owned()));
        }
        let keys = encryption_keys(&certificate);
        if keys.is_empty() {
            return Err(refused("it has no valid key for encryption".to_owned()));
        }
        for key in keys {
            let packet = address(session_key, &key, format).and_then(|packet| packet.to_vec());
            packets.extend(packet.map_err(|error| refused(one_line(&error)))?);
        }
    }
    Ok(packets)
}

fn address(
    session_key: &SessionKey,
    key: &Key<PublicParts, UnspecifiedRole>,
    format: MessageFormat,
) -> sequoia_openpgp::Result<Packet> {
    Ok(Packet::PKESK(match format {
        MessageFormat::Rfc4880 => PKESK::V3(PKESK3::for_recipient(SymmetricAlgorithm::AES256, session_key, key)?),
        MessageFormat::Rfc9580 => PKESK::V6(PKESK6::for_recipient(session_key, key)?),
    }))
}

/// Every usable encryption key of the certificate: each of them can open the message.
///
/// The controller has checked the certificate just now; the clock of the data's host may be behind its own, which must
/// not make a young key invalid.
fn encryption_keys(certificate: &Cert) -> Vec<Key<PublicParts, UnspecifiedRole>> {
    let policy = StandardPolicy::new();
    certificate
        .keys()
        .with_policy(&policy, SystemTime::now().max(last_change(certificate)))
        .supported()
        .alive()
        .revoked(false)
        .for_transport_encryption()
        .for_storage_encryption()
        .map(|key| key.key().clone())
        .collect()
}

fn last_change(certificate: &Cert) -> SystemTime {
    let subkeys = certificate.keys().subkeys().flat_map(|key| key.bundle().self_signatures().collect::<Vec<_>>());
    let users = certificate.userids().flat_map(|user| user.bundle().self_signatures().collect::<Vec<_>>());
    let primary = certificate.primary_key().bundle().self_signatures().collect::<Vec<_>>();
    subkeys
        .chain(users)
        .chain(primary)
        .filter_map(|signature| signature.signature_creation_time())
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

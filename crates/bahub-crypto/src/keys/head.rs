//! The packets with the session key, from a message's first bytes.

use bahub_core::keys::{KeyError, KeyErrorKind};
use sequoia_openpgp::packet::PKESK;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::{KeyHandle, Packet};

use crate::error::CryptoError;
use crate::packet::header::put_length;
use crate::packet::{self, envelope};
use crate::read::Octets;

/// What stands before the encrypted data.
pub(super) struct Head {
    /// The session key, once for every recipient; those of unknown versions and algorithms are left out.
    pub(super) packets: Vec<PKESK>,
    /// How many more recipients there are, whose packets are not understood.
    pub(super) unknown: usize,
    /// True if the bytes end before the encrypted data begins.
    pub(super) cut: bool,
}

/// Reads the packets before the encrypted data. `head` may end anywhere behind them.
pub(super) fn read(head: &[u8]) -> Result<Head, KeyError> {
    let mut bodies = Vec::new();
    let opened = Octets::new(head).and_then(|mut octets| envelope::open(&mut octets, |body| bodies.push(body)));
    let cut = match opened.map_err(|error| CryptoError::from_io(error, CryptoError::Source)) {
        Ok(_) => false,
        Err(CryptoError::Truncated | CryptoError::Armor(_)) if !bodies.is_empty() => true,
        Err(error) => return Err(not_a_message(error)),
    };
    let packets: Vec<_> = bodies.iter().filter_map(|body| parse(body)).collect();
    Ok(Head { unknown: bodies.len() - packets.len(), packets, cut })
}

/// The key that a packet is for, as people write it.
pub(super) fn addressee(packet: &PKESK) -> String {
    match packet.recipient() {
        Some(KeyHandle::KeyID(id)) => id.to_hex(),
        Some(KeyHandle::Fingerprint(fingerprint)) => fingerprint.to_hex(),
        None => "hidden".to_owned(),
    }
}

fn parse(body: &[u8]) -> Option<PKESK> {
    let mut octets = vec![0xC0 | packet::PKESK];
    put_length(body.len(), &mut octets);
    octets.extend(body);
    match Packet::from_bytes(&octets).ok()? {
        Packet::PKESK(packet) => Some(packet),
        _ => None,
    }
}

fn not_a_message(error: CryptoError) -> KeyError {
    let help = match &error {
        CryptoError::NotEncrypted(_) => "check that this is the right file: backups are always encrypted",
        CryptoError::Refused(_) | CryptoError::Unsupported(_) => "decrypt it with the program that wrote it",
        _ => "the stored version is damaged or is not a backup; use another version",
    };
    KeyError::new(KeyErrorKind::NotAMessage, error.to_string()).with_help(help).with_source(error)
}

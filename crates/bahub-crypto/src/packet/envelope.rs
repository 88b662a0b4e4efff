//! What stands before the encrypted data: the packets that carry its session key.

use std::io::{self, BufRead, Read};

use super::body::Body;
use super::header::{Length, Tag, tag};
use super::{COMPRESSED, LIBREPGP_OCB, LITERAL, MARKER, PADDING, PKESK, SED, SEIPD, SIGNATURE, SKESK};
use crate::error::CryptoError;

/// The largest packet with a session key that is looked at; an RSA-16384 one has 2 KiB.
const MAX_PKESK: u64 = 64 * 1024;

/// Reads up to the tag of the encrypted data packet and returns it; each PKESK's whole body goes to `seen` on the way.
pub(crate) fn open<S: BufRead>(source: &mut S, mut seen: impl FnMut(Vec<u8>)) -> io::Result<Tag> {
    let mut empty = true;
    loop {
        let tag = tag(source)?.ok_or(if empty {
            CryptoError::NotOpenPgp("it is empty".to_owned())
        } else {
            CryptoError::Truncated
        })?;
        empty = false;
        match tag.number() {
            SEIPD => return Ok(tag),
            PKESK => seen(session_key_packet(tag, source)?),
            SKESK | MARKER | PADDING => skip(tag, source)?,
            other => return Err(refusal(other).into()),
        }
    }
}

/// Skips a packet that is of no interest.
pub(crate) fn skip(tag: Tag, source: &mut impl BufRead) -> io::Result<()> {
    let length = tag.length(source)?;
    if length == Length::Indeterminate {
        return Err(CryptoError::Malformed("a packet other than data has no length").into());
    }
    Body::new(source, length).drain()
}

fn session_key_packet(tag: Tag, source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let Length::Full(length) = tag.length(source)? else {
        return Err(CryptoError::Malformed("a session key packet has no definite length").into());
    };
    if u64::from(length) > MAX_PKESK {
        return Err(CryptoError::Malformed("a session key packet is too large").into());
    }
    let mut body = Vec::new();
    Body::new(source, Length::Full(length)).read_to_end(&mut body)?;
    Ok(body)
}

fn refusal(tag: u8) -> CryptoError {
    match tag {
        SED => CryptoError::Refused(
            "its data has no integrity protection (Symmetrically Encrypted Data packet, tag 9), so anyone could have modified it",
        ),
        LIBREPGP_OCB => CryptoError::Refused(
            "it uses LibrePGP's OCB packet (tag 20), which is not part of OpenPGP; encrypt it with gpg's option --rfc4880",
        ),
        LITERAL => CryptoError::NotEncrypted("a literal data packet"),
        COMPRESSED => CryptoError::NotEncrypted("a compressed data packet"),
        SIGNATURE | super::ONE_PASS_SIGNATURE => CryptoError::NotEncrypted("a signature"),
        5 | 6 => CryptoError::NotEncrypted("a key"),
        other => CryptoError::NotOpenPgp(format!("unexpected packet with tag {other}")),
    }
}

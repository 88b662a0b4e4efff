//! Packet headers, in the OpenPGP format and in the legacy one that gpg still writes.

use std::io::{self, BufRead};

use crate::error::CryptoError;

/// How long a packet's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// This many bytes.
    Full(u32),
    /// This many bytes, and then another length.
    Partial(u32),
    /// Up to the end of what surrounds it.
    Indeterminate,
}

/// The first octet of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag(u8);

impl Tag {
    /// The packet's type.
    pub(crate) fn number(self) -> u8 {
        if self.is_legacy() { (self.0 >> 2) & 0x0F } else { self.0 & 0x3F }
    }

    /// Reads the length that follows.
    pub(crate) fn length(self, source: &mut impl BufRead) -> io::Result<Length> {
        if !self.is_legacy() {
            return new_length(source);
        }
        Ok(match self.0 & 3 {
            0 => Length::Full(big_endian::<1>(source)?),
            1 => Length::Full(big_endian::<2>(source)?),
            2 => Length::Full(big_endian::<4>(source)?),
            _ => Length::Indeterminate,
        })
    }

    fn is_legacy(self) -> bool {
        self.0 & 0x40 == 0
    }
}

/// Reads the first octet of the next packet; `None` at a clean end.
pub(crate) fn tag(source: &mut impl BufRead) -> io::Result<Option<Tag>> {
    let Some(&octet) = source.fill_buf()?.first() else { return Ok(None) };
    source.consume(1);
    if octet & 0x80 == 0 {
        return Err(CryptoError::Malformed("there is no packet where one is expected").into());
    }
    Ok(Some(Tag(octet)))
}

/// Reads a length of the OpenPGP format.
pub(crate) fn new_length(source: &mut impl BufRead) -> io::Result<Length> {
    let first = u32::from(octet(source)?);
    Ok(match first {
        0..192 => Length::Full(first),
        192..224 => Length::Full(((first - 192) << 8) + u32::from(octet(source)?) + 192),
        224..255 => Length::Partial(1 << (first & 0x1F)),
        _ => Length::Full(big_endian::<4>(source)?),
    })
}

/// Reads one octet that must be there.
pub(crate) fn octet(source: &mut impl BufRead) -> io::Result<u8> {
    let octet = *source.fill_buf()?.first().ok_or(CryptoError::Truncated)?;
    source.consume(1);
    Ok(octet)
}

/// Reads this many octets that must be there.
pub(crate) fn octets<const N: usize>(source: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    for slot in &mut octets {
        *slot = octet(source)?;
    }
    Ok(octets)
}

fn big_endian<const N: usize>(source: &mut impl BufRead) -> io::Result<u32> {
    Ok(octets::<N>(source)?.iter().fold(0, |length, octet| length << 8 | u32::from(*octet)))
}

/// Writes a definite length of the OpenPGP format.
pub(crate) fn put_length(length: usize, out: &mut Vec<u8>) {
    match length {
        0..192 => out.push(length as u8),
        192..8384 => out.extend((length - 192 + 0xC000).to_be_bytes().last_chunk::<2>().expect("a usize has 2 bytes")),
        _ => {
            out.push(0xFF);
            out.extend(u32::try_from(length).expect("the last part of a body is a few windows").to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definite_length_is_read_as_it_was_written() {
        for length in [0, 1, 191, 192, 193, 447, 448, 8383, 8384, 65_536, 131_094] {
            let mut octets = Vec::new();
            put_length(length, &mut octets);
            assert_eq!(new_length(&mut octets.as_slice()).unwrap(), Length::Full(length as u32));
        }
    }
}

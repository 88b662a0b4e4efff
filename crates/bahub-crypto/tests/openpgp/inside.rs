//! The packets inside of an intact message, in every shape that the format allows and in some that it does not.

use std::io::Write;

use bahub_core::keys::SessionKey;
use bahub_core::secret::Secret;
use bahub_crypto::CryptoError;
use proptest::prelude::*;

use crate::protect::protect;
use crate::support::{decrypt, noise};

const MARKER: &[u8] = &[0xCA, 3, b'P', b'G', b'P'];
const PADDING: &[u8] = &[0xD5, 4, 1, 2, 3, 4];
/// Only their headers are looked at.
const SIGNATURE: &[u8] = &[0xC2, 2, 4, 0];
const ONE_PASS: &[u8] = &[0x90, 2, 3, 0];

fn read(inside: &[u8]) -> Result<Vec<u8>, CryptoError> {
    decrypt(&protect(inside, &[0x2A; 32]), &SessionKey { cipher: Some(9), key: Secret::new("2a".repeat(32)) })
}

/// A literal packet of the legacy format, up to the end of what surrounds it.
fn indeterminate(plain: &[u8]) -> Vec<u8> {
    [&[0xAF, b'b', 3], &b"nam\0\0\0\x01"[..], plain].concat()
}

fn definite(plain: &[u8]) -> Vec<u8> {
    let length = (plain.len() as u32 + 6).to_be_bytes();
    [&[0xCB, 0xFF], &length[..], b"b\0\0\0\0\0", plain].concat()
}

fn legacy(plain: &[u8]) -> Vec<u8> {
    let length = (plain.len() as u16 + 6).to_be_bytes();
    [&[0xAD], &length[..], b"t\0\0\0\0\0", plain].concat()
}

/// Parts of 512 bytes, and a last one.
fn partial(plain: &[u8]) -> Vec<u8> {
    let body = [&b"b\0\0\0\0\0"[..], plain].concat();
    let parts = body.chunks_exact(512);
    let rest = parts.remainder();
    let mut packet = vec![0xCB];
    for part in parts {
        packet.push(0xE9);
        packet.extend(part);
    }
    packet.push(0xFF);
    packet.extend((rest.len() as u32).to_be_bytes());
    packet.extend(rest);
    packet
}

fn zlib(inside: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(vec![0xA3, 2], flate2::Compression::fast());
    encoder.write_all(inside).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_kind_of_length_is_read() {
    for size in [0, 1, 600, 5000, 65_000] {
        let plain = noise(size);
        for packet in [indeterminate(&plain), definite(&plain), legacy(&plain), partial(&plain)] {
            assert!(read(&packet).unwrap() == plain, "{size}");
            assert!(read(&zlib(&packet)).unwrap() == plain, "{size}, compressed");
        }
    }
}

#[test]
fn markers_padding_and_signatures_are_read_over() {
    let plain = noise(3000);
    let signed = [MARKER, PADDING, ONE_PASS, &partial(&plain), SIGNATURE, PADDING].concat();
    assert!(read(&signed).unwrap() == plain);
    assert!(read(&zlib(&signed)).unwrap() == plain);
}

#[test]
fn a_message_with_two_or_no_data_packets_is_refused() {
    let one = definite(b"one");
    assert!(read(&[&one[..], &one].concat()).unwrap_err().is_damage());
    assert!(read(&[&one[..], b"x"].concat()).unwrap_err().is_damage());
    assert!(read(&[]).unwrap_err().is_damage());
    assert!(read(MARKER).unwrap_err().is_damage());
    assert!(read(&zlib(&[])).unwrap_err().is_damage());
    assert!(matches!(read(&zlib(&zlib(&one))), Err(CryptoError::Unsupported(_))));
}

#[test]
fn a_data_packet_that_is_shorter_than_its_length_is_refused() {
    let packet = partial(&noise(3000));
    for cut in [packet.len() - 1, packet.len() / 2, 515, 514, 9, 8, 7, 2, 1] {
        assert!(read(&packet[..cut]).unwrap_err().is_damage(), "{cut}");
        assert!(read(&zlib(&packet[..cut])).unwrap_err().is_damage(), "{cut}, compressed");
    }
}

#[test]
fn compressed_data_that_is_cut_never_ends_as_if_whole() {
    let plain = b"again and again ".repeat(3000);
    for packet in [zlib(&definite(&plain)), zlib(&indeterminate(&plain))] {
        for cut in [packet.len() - 5, packet.len() / 2, 10, 3, 2] {
            assert!(read(&packet[..cut]).is_err_and(|error| error.is_damage()), "{cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_packets_never_panic(
        mut inside in prop::collection::vec(any::<u8>(), 0..200),
        tag in prop::sample::select(vec![0xCB, 0xAF, 0xA3, 0xC8, 0xC2, 0x90, 0xCA, 0xD5, 0xFF]),
    ) {
        inside.insert(0, tag);
        let _ = read(&inside);
    }

    #[test]
    fn mutated_packets_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        compress: bool,
    ) {
        let mut packet = [ONE_PASS, &partial(&noise(1200)), SIGNATURE].concat();
        if compress {
            packet = zlib(&packet);
        }
        for (index, value) in edits {
            let at = index.index(packet.len());
            packet[at] ^= value;
        }
        let _ = read(&packet);
    }
}

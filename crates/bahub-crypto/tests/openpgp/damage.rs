//! Damage is noticed: inside of the encrypted packet always, elsewhere it fails or does no harm.

use std::io::Read;

use bahub_core::keys::{Keys, MAX_HEAD, MessageFormat};
use bahub_core::secret::Secret;
use bahub_crypto::{CryptoError, Decryptor, OpenPgpKeys, addressees};
use proptest::prelude::*;

use crate::support::{FORMATS, Gpg, KeyFiles, OURS, data_start, decrypt, encrypt, noise};

const MASKS: [u8; 5] = [0x01, 0x20, 0x40, 0x80, 0xFF];

/// Unlocks and decrypts as a restore would.
fn restore(files: &KeyFiles, message: &[u8]) -> Result<Vec<u8>, String> {
    let head = &message[..message.len().min(MAX_HEAD)];
    let key = OpenPgpKeys.unlock(&files.spec, head).map_err(|error| error.chain())?;
    decrypt(message, &key).map_err(|error| error.to_string())
}

#[test]
fn every_flipped_byte_and_every_cut_inside_of_the_data_packet_fails() {
    for format in FORMATS {
        for plain in [noise(0), noise(1), noise(700)] {
            let message = encrypt(&plain, &OURS.recipients(), format, false);
            let key = OURS.unlock(&message);
            for at in data_start(&message)..message.len() {
                for mask in MASKS {
                    let mut damaged = message.clone();
                    damaged[at] ^= mask;
                    assert!(decrypt(&damaged, &key).is_err(), "{format:?}: byte {at} ^ {mask:#x}");
                }
                let cut = decrypt(&message[..at], &key).unwrap_err();
                assert!(cut.is_damage(), "{format:?}: cut at {at}: {cut}");
            }
        }
    }
}

#[test]
fn a_flip_anywhere_in_a_long_data_packet_fails() {
    for format in FORMATS {
        let message = encrypt(&noise(200_000), &OURS.recipients(), format, false);
        let key = OURS.unlock(&message);
        let start = data_start(&message);
        let frames = [start, start + 1, start + 2, start + 3, start + 65_537, start + 65_538, start + 65_539];
        for at in (start..message.len()).step_by(1501).chain(frames).chain(message.len() - 60..message.len()) {
            let mut damaged = message.clone();
            damaged[at] ^= 0x10;
            assert!(decrypt(&damaged, &key).is_err(), "{format:?}: byte {at}");
            assert!(decrypt(&message[..at], &key).is_err(), "{format:?}: cut at {at}");
        }
    }
}

#[test]
fn damage_before_the_data_packet_fails_or_does_no_harm() {
    for format in FORMATS {
        let plain = noise(300);
        let message = encrypt(&plain, &OURS.recipients(), format, false);
        for at in 0..data_start(&message) {
            for mask in MASKS {
                let mut damaged = message.clone();
                damaged[at] ^= mask;
                if let Ok(back) = restore(&OURS, &damaged) {
                    assert!(back == plain, "{format:?}: byte {at} ^ {mask:#x}");
                }
            }
        }
    }
}

#[test]
fn damage_of_the_armour_fails_or_does_no_harm() {
    for format in FORMATS {
        let plain = noise(300);
        let message = encrypt(&plain, &OURS.recipients(), format, true);
        let key = OURS.unlock(&message);
        for at in 0..message.len() {
            for mask in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF] {
                let mut damaged = message.clone();
                damaged[at] ^= mask;
                if let Ok(back) = decrypt(&damaged, &key) {
                    assert!(back == plain, "{format:?}: byte {at} ^ {mask:#x}");
                }
            }
            if at < message.len() - 1 {
                assert!(decrypt(&message[..at], &key).is_err(), "{format:?}: cut at {at}");
            }
        }
    }
}

#[test]
fn every_flipped_byte_of_a_message_of_gpg_fails_or_does_no_harm() {
    let gpg = Gpg::new();
    let files = gpg.key(("ed25519", "cv25519"), "gpg@example.org", "");
    let plain = b"the same again and again ".repeat(20);
    for shape in ["none", "zlib", "bzip2", "zip"] {
        let args = ["--compress-algo", shape, "--recipient", "gpg@example.org", "--encrypt"];
        let message = gpg.run(&args, &plain).unwrap();
        let key = files.unlock(&message);
        let start = data_start(&message);
        for at in start..message.len() {
            for mask in MASKS {
                let mut damaged = message.clone();
                damaged[at] ^= mask;
                assert!(decrypt(&damaged, &key).is_err(), "{shape}: byte {at} ^ {mask:#x}");
            }
            assert!(decrypt(&message[..at], &key).is_err(), "{shape}: cut at {at}");
        }
    }
}

#[test]
fn anything_behind_the_message_fails() {
    for format in FORMATS {
        for size in [10, 65_536, 200_000] {
            let plain = noise(size);
            for armor in [false, true] {
                let message = encrypt(&plain, &OURS.recipients(), format, armor);
                let key = OURS.unlock(&message);
                for more in [&b"x"[..], &[0], &message, b"\n-----BEGIN PGP MESSAGE-----\n"] {
                    let error = decrypt(&[&message, more].concat(), &key).unwrap_err();
                    assert!(matches!(error, CryptoError::Trailing), "{format:?} {armor}: {error}");
                }
                if armor {
                    assert!(decrypt(&[&message, &b"\r\n \n"[..]].concat(), &key).unwrap() == plain);
                }
            }
        }
    }
}

#[test]
fn chunks_and_parts_cannot_be_dropped_repeated_or_swapped() {
    for format in FORMATS {
        let message = encrypt(&noise(400_000), &OURS.recipients(), format, false);
        let key = OURS.unlock(&message);
        let start = data_start(&message) + 1;
        let part = |n: usize| &message[start + n * 65_537..start + (n + 1) * 65_537];
        let (head, tail) = (&message[..start], |n: usize| &message[start + n * 65_537..]);
        for changed in [
            [head, part(0), tail(2)].concat(),
            [head, part(0), part(1), part(1), tail(2)].concat(),
            [head, part(0), part(2), part(1), tail(3)].concat(),
            [head, tail(1)].concat(),
        ] {
            assert!(decrypt(&changed, &key).is_err());
        }
    }
}

#[test]
fn armour_with_other_line_ends_and_lengths_is_read() {
    let plain = noise(3000);
    let message = encrypt(&plain, &OURS.recipients(), MessageFormat::Rfc4880, true);
    let key = OURS.unlock(&message);
    let text = String::from_utf8(message).unwrap();
    let crlf = text.replace('\n', "\r\n");
    let headers = text.replace("MESSAGE-----\n\n", "MESSAGE-----\nVersion: GnuPG v1\nComment: x\n \n");
    let blanks = text.replace('\n', " \t\n");
    let (head, body) = text.split_once("\n\n").unwrap();
    let body: String = body[..body.find("\n=").unwrap()].split('\n').collect();
    let wrapped = |n: usize| {
        let lines: Vec<_> = body.as_bytes().chunks(n).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{head}\n\n{}\n=abcd\n-----END PGP MESSAGE-----\n", lines.join("\n"))
    };
    for text in [crlf, headers, blanks, wrapped(1), wrapped(7), wrapped(76), wrapped(100_000)] {
        assert!(decrypt(text.as_bytes(), &key).unwrap() == plain);
        assert_eq!(addressees(text.as_bytes()).unwrap().len(), 1);
    }
}

/// With the key of another message, version 1 gives noise that may look like anything: whatever it looks like, it is
/// damage, since a store that swaps messages must not be reported as one that holds what bahub cannot read.
#[test]
fn a_message_of_another_session_key_is_damaged_whatever_its_noise_looks_like() {
    for format in FORMATS {
        for plain in [noise(40), noise(300)] {
            let message = encrypt(&plain, &OURS.recipients(), format, false);
            let mut key = OURS.unlock(&message);
            for number in 0..3000_u32 {
                key.key = Secret::new(format!("{number:064x}"));
                let error = decrypt(&message, &key).unwrap_err();
                assert!(error.is_damage(), "{format:?}, key {number}: {error}");
            }
        }
    }
}

/// The second read of a message is compared by other means; what damage does must still be an error or other
/// bytes, never a panic.
#[test]
fn a_message_that_was_verified_before_is_read_without_its_hash() {
    for format in FORMATS {
        let plain = noise(200_000);
        let message = encrypt(&plain, &OURS.recipients(), format, false);
        let key = OURS.unlock(&message);
        let read = |message: &[u8]| {
            let mut back = Vec::new();
            Decryptor::verified_before(message, &key)?
                .read_to_end(&mut back)
                .map(|_| back)
                .map_err(|error| error.downcast::<CryptoError>().expect("every error is a CryptoError"))
        };
        assert!(read(&message).unwrap() == plain);
        let mut damaged = message.clone();
        damaged[100_000] ^= 1;
        match format {
            MessageFormat::Rfc4880 => assert!(read(&damaged).unwrap() != plain),
            MessageFormat::Rfc9580 => assert!(read(&damaged).unwrap_err().is_damage(), "tags are always verified"),
        }
        assert!(read(&message[..150_000]).unwrap_err().is_damage());
        assert!(read(&[&message[..], b"x"].concat()).unwrap_err().is_damage());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Not a word about the result, but no panic, no endless loop, and never other data.
    #[test]
    fn mutations_never_give_other_data(
        second: bool,
        armor: bool,
        size in 0..2000_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let plain = noise(size);
        let mut message = encrypt(&plain, &OURS.recipients(), FORMATS[usize::from(second)], armor);
        let key = OURS.unlock(&message);
        for (index, value, kind) in edits {
            let at = index.index(message.len());
            match kind {
                0 => message[at] = value,
                1 => message.insert(at, value),
                2 => drop(message.remove(at)),
                _ => {
                    let from = usize::from(value) % message.len();
                    message.swap(at, from);
                }
            }
        }
        let _ = addressees(&message);
        let _ = restore(&OURS, &message);
        if let Ok(back) = decrypt(&message, &key) {
            prop_assert!(back == plain);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), packet: bool) {
        let mut bytes = bytes;
        if packet && let Some(first) = bytes.first_mut() {
            *first |= 0x80;
        }
        let message = encrypt(b"x", &OURS.recipients(), MessageFormat::Rfc4880, false);
        let _ = addressees(&bytes);
        let _ = OpenPgpKeys.unlock(&OURS.spec, &bytes);
        prop_assert!(decrypt(&bytes, &OURS.unlock(&message)).is_err());
    }
}

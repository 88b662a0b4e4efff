//! What bahub writes, bahub reads, whatever the size and however it is cut.

use std::io::{self, BufReader, Read, Write};

use crate::support::{FORMATS, OURS, decrypt, edge_sizes, encrypt, encrypt_pieces, noise};
use bahub_core::keys::MessageFormat;
use bahub_crypto::{CryptoError, Decryptor, Encryptor};
use proptest::prelude::*;

#[test]
fn every_size_around_a_boundary_comes_back() {
    let recipients = OURS.recipients();
    for format in FORMATS {
        for size in edge_sizes() {
            let plain = noise(size);
            for armor in [false, true] {
                let message = encrypt(&plain, &recipients, format, armor);
                let back = decrypt(&message, &OURS.unlock(&message)).unwrap();
                assert!(back == plain, "{format:?}, {size} bytes, armour {armor}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn writes_and_reads_may_be_cut_anywhere(
        size in 0..400_000_usize,
        writes in prop::collection::vec(1..140_000_usize, 1..6),
        reads in prop::collection::vec(1..100_000_usize, 1..6),
        armor: bool,
        second: bool,
    ) {
        let plain = noise(size);
        let format = FORMATS[usize::from(second)];
        let message = encrypt_pieces(&plain, &writes, &OURS.recipients(), format, armor);
        let source = Stutter { bytes: &message, sizes: reads.clone(), turn: 0 };
        let mut decryptor = Decryptor::new(BufReader::with_capacity(100_000, source), &OURS.unlock(&message)).unwrap();
        let mut back = Vec::new();
        for size in reads.iter().cycle() {
            let start = back.len();
            back.resize(start + size, 0);
            let n = decryptor.read(&mut back[start..]).unwrap();
            back.truncate(start + n);
            if n == 0 { break; }
        }
        prop_assert!(back == plain);
    }
}

/// A source that gives few bytes at a time, and is interrupted now and then.
struct Stutter<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Stutter<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.sizes[self.turn % self.sizes.len()].min(into.len());
        self.bytes.read(&mut into[..most])
    }
}

#[test]
fn many_small_writes_make_the_same_data_as_one() {
    let plain = noise(200_001);
    let message = encrypt_pieces(&plain, &[7], &OURS.recipients(), MessageFormat::Rfc4880, false);
    assert!(decrypt(&message, &OURS.unlock(&message)).unwrap() == plain);
}

#[test]
fn a_message_without_its_finish_is_never_whole() {
    for format in FORMATS {
        for armor in [false, true] {
            for size in [0, 10, 65_530, 65_536, 131_072, 300_000] {
                let mut partial = Vec::new();
                let mut encryptor = Encryptor::new(&mut partial, &OURS.recipients(), format, armor).unwrap();
                encryptor.write_all(&noise(size)).unwrap();
                encryptor.flush().unwrap();
                drop(encryptor);
                let whole = encrypt(&noise(size), &OURS.recipients(), format, armor);
                assert!(partial.len() < whole.len());
                assert!(decrypt(&partial, &OURS.unlock(&whole)).is_err(), "{format:?} {armor} {size}");
            }
        }
    }
}

#[test]
fn the_first_piece_of_an_armoured_message_holds_its_header() {
    struct Pieces(Vec<Vec<u8>>);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for size in [0, 1_000_000] {
        let mut encryptor =
            Encryptor::new(Pieces(Vec::new()), &OURS.recipients(), MessageFormat::Rfc4880, true).unwrap();
        encryptor.write_all(&noise(size)).unwrap();
        let pieces = encryptor.finish().unwrap().0;
        assert!(pieces[0].starts_with(b"-----BEGIN PGP MESSAGE-----\n\n") && pieces[0].len() > 100);
        assert!(pieces.last().unwrap().ends_with(b"\n-----END PGP MESSAGE-----\n"));
        assert!(pieces.len() <= size / 40_000 + 1, "{} pieces", pieces.len());
    }
}

#[test]
fn a_failing_sink_is_reported_and_ends_the_message() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut encryptor = Encryptor::new(Full, &OURS.recipients(), MessageFormat::Rfc4880, false).unwrap();
    let error = encryptor.write_all(&noise(300_000)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(matches!(CryptoError::of(&error), Some(CryptoError::Sink(_))));
    assert!(encryptor.write_all(b"more").is_err());
    assert!(matches!(encryptor.finish(), Err(CryptoError::Stopped(_))));
}

#[test]
fn a_failing_source_is_no_damage() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let message = encrypt(&noise(300_000), &OURS.recipients(), MessageFormat::Rfc4880, false);
    let source = BufReader::new(message[..200_000].chain(Broken));
    let error = Decryptor::new(source, &OURS.unlock(&message)).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(!CryptoError::of(&error).unwrap().is_damage());
}

#[test]
fn a_message_without_recipients_is_refused() {
    let result = Encryptor::new(Vec::new(), &[], MessageFormat::Rfc4880, false);
    assert!(matches!(result, Err(CryptoError::NoRecipient)));
}

#[test]
fn the_streams_can_be_moved_to_another_thread() {
    fn movable<T: Send>() {}
    movable::<Encryptor<std::fs::File>>();
    movable::<Decryptor<BufReader<std::fs::File>>>();
    movable::<CryptoError>();
}

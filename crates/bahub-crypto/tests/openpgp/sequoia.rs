//! sequoia-openpgp reads what bahub writes, and bahub reads what sequoia writes.

use std::io::{Read, Write};

use bahub_core::keys::MessageFormat;
use proptest::prelude::*;
use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::padding::Padder;
use sequoia_openpgp::serialize::stream::{Armorer, Compressor, Encryptor, LiteralWriter, Message, Recipient};
use sequoia_openpgp::types::{CompressionAlgorithm, Features, SymmetricAlgorithm};
use sequoia_openpgp::{KeyHandle, Result};

use crate::support::{FORMATS, OURS, decrypt, encrypt, noise};

struct Reader(Cert);

impl VerificationHelper for Reader {
    fn get_certs(&mut self, _: &[KeyHandle]) -> Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: MessageStructure<'_>) -> Result<()> {
        Ok(())
    }
}

impl DecryptionHelper for Reader {
    fn decrypt(
        &mut self,
        packets: &[PKESK],
        _: &[SKESK],
        _: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Result<Option<Cert>> {
        for key in self.0.keys().unencrypted_secret() {
            let mut pair = key.key().clone().into_keypair()?;
            for packet in packets {
                if packet.decrypt(&mut pair, None).is_some_and(|(cipher, key)| decrypt(cipher, &key)) {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}

fn sequoia_decrypts(message: &[u8]) -> Result<Vec<u8>> {
    let policy = StandardPolicy::new();
    let reader = Reader(Cert::from_bytes(OURS.key.secret.expose())?);
    let mut plain = Vec::new();
    DecryptorBuilder::from_bytes(message)?.with_policy(&policy, None, reader)?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn sequoia_encrypts(
    plain: &[u8],
    format: MessageFormat,
    compression: Option<CompressionAlgorithm>,
    pad: bool,
    armor: bool,
) -> Result<Vec<u8>> {
    let policy = StandardPolicy::new();
    let certificate = Cert::from_bytes(OURS.key.public.as_str())?;
    let features = match format {
        MessageFormat::Rfc4880 => Features::empty().set_seipdv1(),
        MessageFormat::Rfc9580 => Features::empty().set_seipdv2(),
    };
    let keys: Vec<_> = certificate.keys().with_policy(&policy, None).for_storage_encryption().collect();
    let recipients = keys.iter().map(|key| Recipient::new(features.clone(), Some(key.key().key_handle()), key.key()));
    let mut sink = Vec::new();
    let mut message = Message::new(&mut sink);
    if armor {
        message = Armorer::new(message).build()?;
    }
    message = Encryptor::for_recipients(message, recipients).build()?;
    if pad {
        message = Padder::new(message).build()?;
    }
    if let Some(algorithm) = compression {
        message = Compressor::new(message).algo(algorithm).build()?;
    }
    let mut literal = LiteralWriter::new(message).build()?;
    literal.write_all(plain)?;
    literal.finalize()?;
    Ok(sink)
}

#[test]
fn sequoia_reads_every_size_that_bahub_writes() {
    let around = [65_536, 131_072].into_iter().flat_map(|edge| (edge - 50)..(edge + 8));
    for size in (0..20).chain([186, 506, 8378]).chain(around.step_by(3)) {
        for format in FORMATS {
            let plain = noise(size);
            let message = encrypt(&plain, &OURS.recipients(), format, size % 2 == 0);
            assert!(sequoia_decrypts(&message).unwrap() == plain, "{format:?} {size}");
        }
    }
}

#[test]
fn bahub_reads_every_shape_that_sequoia_writes() {
    use CompressionAlgorithm::{BZip2, Zip, Zlib};
    for format in FORMATS {
        for compression in [None, Some(Zip), Some(Zlib), Some(BZip2)] {
            for (size, armor, pad) in [(0, true, false), (1, false, true), (4096, true, true), (200_000, false, false)]
            {
                let plain = noise(size);
                let message = sequoia_encrypts(&plain, format, compression, pad, armor).unwrap();
                let back = decrypt(&message, &OURS.unlock(&message));
                assert!(back.unwrap() == plain, "{format:?} {compression:?} {size}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sequoia_and_bahub_agree_both_ways(size in 0..300_000_usize, second: bool, armor: bool) {
        let plain = noise(size);
        let format = FORMATS[usize::from(second)];
        let ours = encrypt(&plain, &OURS.recipients(), format, armor);
        prop_assert!(sequoia_decrypts(&ours).unwrap() == plain);
        let theirs = sequoia_encrypts(&plain, format, None, false, armor).unwrap();
        prop_assert!(decrypt(&theirs, &OURS.unlock(&theirs)).unwrap() == plain);
    }
}

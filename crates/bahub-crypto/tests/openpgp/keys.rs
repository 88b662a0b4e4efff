//! Which keys are accepted, and how the others are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use bahub_core::keys::{EncryptionSpec, KeyErrorKind, KeySource, Keys, MessageFormat};
use bahub_core::secret::Secret;
use bahub_crypto::{CryptoError, GeneratedKey, OpenPgpKeys, addressees, generate, write_key_pair};
use sequoia_openpgp::Packet;
use sequoia_openpgp::cert::{Cert, CertBuilder, CertRevocationBuilder};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::{KeyFlags, ReasonForRevocation};

use crate::support::{KeyFiles, OURS, data_start, decrypt, encrypt, noise, request};

fn files(certificate: &Cert) -> KeyFiles {
    KeyFiles::new(GeneratedKey {
        secret: Secret::new(String::from_utf8(certificate.as_tsk().armored().to_vec().unwrap()).unwrap()),
        public: String::from_utf8(certificate.armored().to_vec().unwrap()).unwrap(),
        fingerprint: certificate.fingerprint().to_hex(),
    })
}

/// The refusal's message and help.
fn refusal(spec: &EncryptionSpec) -> (KeyErrorKind, String) {
    let error = OpenPgpKeys.recipients(spec).unwrap_err();
    (error.kind(), format!("{} / {}", error.chain(), error.help().expect("a way out")))
}

#[test]
fn a_usable_key_has_its_fingerprint_user_and_expiry() {
    let recipient = &OURS.recipients()[0];
    assert_eq!(recipient.fingerprint, OURS.key.fingerprint);
    assert_eq!(recipient.user_id.as_deref(), Some("Test Key <ours@example.org>"));
    assert_eq!(recipient.expires, None);
    assert!(!Cert::from_bytes(&recipient.certificate).unwrap().is_tsk());

    let spec = request("day@example.org").valid_for(Duration::from_secs(86_400));
    let expires = KeyFiles::new(generate(&spec).unwrap()).recipients()[0].expires.unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    assert!((86_000..=86_400).contains(&(expires - now)), "{expires}");
}

#[test]
fn the_public_half_of_the_private_key_is_enough() {
    let spec = EncryptionSpec::new("test").with_private_key(OURS.spec.private_key.clone().unwrap());
    let recipients = OpenPgpKeys.recipients(&spec).unwrap();
    assert_eq!(recipients[0].fingerprint, OURS.key.fingerprint);
    assert!(!Cert::from_bytes(&recipients[0].certificate).unwrap().is_tsk(), "no private part travels");
}

#[test]
fn the_own_key_must_carry_the_address_and_recipients_need_not() {
    let other = KeyFiles::new(generate(&request("other@example.org")).unwrap());
    let theirs = other.spec.public_key.clone().unwrap();
    let with = |email: &str| OURS.spec.clone().with_email(email).with_recipient(theirs.clone());
    let recipients = OpenPgpKeys.recipients(&with("Ours@Example.org")).unwrap();
    assert_eq!(recipients.len(), 2);

    let (kind, text) = refusal(&with("nobody@example.org"));
    assert_eq!(kind, KeyErrorKind::Unusable);
    for part in [&OURS.key.fingerprint, "nobody@example.org", "public.asc", "Test Key <ours@example.org>"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let message = encrypt(&noise(99), &recipients, MessageFormat::Rfc4880, true);
    assert_eq!(addressees(&message).unwrap().len(), 2);
    for reader in [&*OURS, &other] {
        assert!(decrypt(&message, &reader.unlock(&message)).unwrap() == noise(99));
    }
}

#[test]
fn an_expired_key_is_refused_and_still_opens_old_messages() {
    let long_ago = SystemTime::now() - Duration::from_secs(400 * 86_400);
    let (certificate, _) =
        CertBuilder::general_purpose(Some("old@example.org")).set_creation_time(long_ago).generate().unwrap();
    let message = encrypt(&noise(50), &files(&certificate).recipients(), MessageFormat::Rfc4880, false);

    let mut signer = certificate.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let ended = long_ago + Duration::from_secs(86_400);
    let end = certificate.set_expiration_time(&StandardPolicy::new(), None, &mut signer, Some(ended)).unwrap();
    let expired = files(&certificate.insert_packets(end).unwrap().0);
    let (kind, text) = refusal(&expired.spec);
    assert_eq!(kind, KeyErrorKind::Unusable);
    assert!(text.contains("xpired") && text.contains("old@example.org") && text.contains("quick-set-expire"), "{text}");
    assert!(decrypt(&message, &expired.unlock(&message)).unwrap() == noise(50));
}

#[test]
fn a_revoked_key_is_refused_and_still_opens_old_messages() {
    let certificate = Cert::from_bytes(OURS.key.secret.expose()).unwrap();
    let mut signer = certificate.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let revocation = CertRevocationBuilder::new()
        .set_reason_for_revocation(ReasonForRevocation::KeyRetired, b"replaced")
        .unwrap()
        .build(&mut signer, &certificate, None)
        .unwrap();
    let revoked = files(&certificate.insert_packets(Packet::from(revocation)).unwrap().0);
    let (kind, text) = refusal(&revoked.spec);
    assert_eq!(kind, KeyErrorKind::Unusable);
    assert!(text.contains("revoked") && text.contains("replaced"), "{text}");

    let message = encrypt(&noise(50), &OURS.recipients(), MessageFormat::Rfc4880, false);
    assert!(decrypt(&message, &revoked.unlock(&message)).unwrap() == noise(50));
}

#[test]
fn a_key_that_cannot_encrypt_is_refused() {
    let (signing, _) = CertBuilder::new().add_userid("sign@example.org").add_signing_subkey().generate().unwrap();
    let (kind, text) = refusal(&files(&signing).spec);
    assert_eq!(kind, KeyErrorKind::Unusable);
    assert!(text.contains("no key for encryption"), "{text}");

    let long_ago = SystemTime::now() - Duration::from_secs(400 * 86_400);
    let (expired_subkey, _) = CertBuilder::new()
        .set_creation_time(long_ago)
        .add_userid("sub@example.org")
        .add_subkey(KeyFlags::empty().set_storage_encryption(), Duration::from_secs(86_400), None)
        .generate()
        .unwrap();
    let (_, text) = refusal(&files(&expired_subkey).spec);
    assert!(text.contains("no usable key for encryption") && text.contains("xpired"), "{text}");
}

#[test]
fn a_key_of_tomorrow_is_refused_but_a_slow_clock_next_to_the_data_is_no_obstacle() {
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let (certificate, _) =
        CertBuilder::general_purpose(Some("soon@example.org")).set_creation_time(tomorrow).generate().unwrap();
    let (kind, text) = refusal(&files(&certificate).spec);
    assert_eq!(kind, KeyErrorKind::Unusable);
    assert!(text.contains("clock"), "{text}");

    let public = certificate.clone().strip_secret_key_material().to_vec().unwrap();
    let recipient = bahub_core::keys::Recipient::new(certificate.fingerprint().to_hex(), public);
    assert!(!encrypt(b"x", &[recipient], MessageFormat::Rfc4880, false).is_empty());
}

#[test]
fn files_that_hold_no_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.asc");
    let spec = EncryptionSpec::new("x").with_public_key(KeySource::file(&path));
    assert_eq!(refusal(&spec).0, KeyErrorKind::Unreadable);
    let message = encrypt(b"x", &OURS.recipients(), MessageFormat::Rfc4880, true);
    for text in [&b""[..], b"no key", &message, &[0x99, 0x01]] {
        fs::write(&path, text).unwrap();
        let (kind, text) = refusal(&spec);
        assert_eq!(kind, KeyErrorKind::NotAKey, "{text}");
        assert!(text.contains("key.asc"), "{text}");
    }
    assert_eq!(refusal(&EncryptionSpec::default()).0, KeyErrorKind::Unreadable);
}

#[test]
fn a_public_key_cannot_unlock() {
    let message = encrypt(b"x", &OURS.recipients(), MessageFormat::Rfc4880, true);
    let spec = OURS.spec.clone().with_private_key(OURS.spec.public_key.clone().unwrap());
    assert_eq!(OpenPgpKeys.unlock(&spec, &message).unwrap_err().kind(), KeyErrorKind::NotAKey);
    let spec = EncryptionSpec::new("test").with_public_key(OURS.spec.public_key.clone().unwrap());
    assert_eq!(OpenPgpKeys.unlock(&spec, &message).unwrap_err().kind(), KeyErrorKind::Unreadable);
}

#[test]
fn the_head_may_be_cut_anywhere_behind_the_session_keys() {
    for format in crate::support::FORMATS {
        let message = encrypt(&noise(500), &OURS.recipients(), format, false);
        let key = OURS.unlock(&message);
        let start = data_start(&message);
        for end in start + 1..message.len() {
            let unlocked = OpenPgpKeys.unlock(&OURS.spec, &message[..end]).unwrap();
            assert_eq!(unlocked.key, key.key);
        }
        let armored = encrypt(&noise(500), &OURS.recipients(), format, true);
        let key = OURS.unlock(&armored);
        for end in armored.len() / 2..armored.len() {
            assert_eq!(OpenPgpKeys.unlock(&OURS.spec, &armored[..end]).unwrap().key, key.key);
        }
        for end in 0..start.min(60) {
            assert!(OpenPgpKeys.unlock(&OURS.spec, &message[..end]).is_err());
        }
    }
}

#[test]
fn a_key_of_version_6_works_in_both_formats() {
    let (certificate, _) = CertBuilder::general_purpose(Some("six@example.org"))
        .set_profile(sequoia_openpgp::Profile::RFC9580)
        .unwrap()
        .generate()
        .unwrap();
    let files = files(&certificate);
    for format in crate::support::FORMATS {
        let message = encrypt(&noise(1234), &files.recipients(), format, false);
        assert!(decrypt(&message, &files.unlock(&message)).unwrap() == noise(1234));
    }
}

#[test]
fn key_files_have_tight_modes_and_are_never_overwritten() {
    let key = generate(&request("files@example.org")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("s.asc"), folder.path().join("p.asc"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    fs::write(&public, "mine").unwrap();
    assert!(matches!(write_key_pair(&key, &secret, &public), Err(CryptoError::Exists(path)) if path == public));
    assert!(!secret.exists(), "nothing is written before both are known to be free");
    fs::remove_file(&public).unwrap();

    write_key_pair(&key, &secret, &public).unwrap();
    assert_eq!((mode(&secret), mode(&public)), (0o600, 0o644));
    assert!(fs::read_to_string(&secret).unwrap().contains("BEGIN PGP PRIVATE KEY BLOCK"));
    assert!(!fs::read_to_string(&public).unwrap().contains("PRIVATE"));
    assert!(matches!(write_key_pair(&key, &secret, &public), Err(CryptoError::Exists(path)) if path == secret));

    let (lone, nowhere) = (folder.path().join("lone.asc"), folder.path().join("none/p.asc"));
    assert!(matches!(write_key_pair(&key, &lone, &nowhere), Err(CryptoError::KeyFile { .. })));
    assert!(!lone.exists(), "half a pair is not left behind");

    let dangling = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("target"), &dangling).unwrap();
    assert!(matches!(write_key_pair(&key, &dangling, &nowhere), Err(CryptoError::Exists(_))));
}

#[test]
fn an_address_that_is_none_makes_no_key() {
    for email in ["", "no address", "a@b>c", "two@example.org, three@example.org"] {
        assert!(matches!(generate(&request(email)), Err(CryptoError::Generation(_))), "{email:?}");
    }
}

#[test]
fn secrets_are_not_shown_in_debug() {
    assert!(!format!("{:?}", OURS.key).contains("PRIVATE"));
    let spec = request("a@example.org").with_passphrase(Secret::new("hunter22"));
    assert!(!format!("{spec:?}").contains("hunter22"));
}

#[test]
fn keys_in_memory_need_no_file_armoured_or_binary_with_and_without_a_passphrase() {
    for passphrase in [None, Some(Secret::new("hunter22"))] {
        let key = {
            let mut spec = request("memory@example.org");
            spec.passphrase = passphrase.clone();
            generate(&spec).unwrap()
        };
        let binary = Cert::from_bytes(key.secret.expose()).unwrap().as_tsk().to_vec().unwrap();
        for private in [key.secret.expose().as_bytes().to_vec(), binary] {
            let mut spec = EncryptionSpec::new("memory").with_private_key(KeySource::memory(private));
            let public = spec.clone().with_public_key(KeySource::memory(key.public.as_str()));
            let recipients = OpenPgpKeys.recipients(&public).unwrap();
            assert_eq!(recipients[0].fingerprint, key.fingerprint);
            assert_eq!(OpenPgpKeys.recipients(&spec).unwrap(), recipients, "the public half of the private key");
            let message = encrypt(&noise(77), &recipients, MessageFormat::Rfc4880, true);
            if passphrase.is_some() {
                let error = OpenPgpKeys.unlock(&spec, &message).unwrap_err();
                assert_eq!(error.kind(), KeyErrorKind::Locked, "{}", error.chain());
            }
            spec.passphrase = passphrase.clone();
            assert!(decrypt(&message, &OpenPgpKeys.unlock(&spec, &message).unwrap()).unwrap() == noise(77));
            assert!(!format!("{spec:?}").contains("BEGIN"));
        }
    }
    let (kind, text) = refusal(&EncryptionSpec::new("memory").with_public_key(KeySource::memory("no key")));
    assert_eq!(kind, KeyErrorKind::NotAKey);
    assert!(text.starts_with("the key material in memory holds no OpenPGP key"), "{text}");
}

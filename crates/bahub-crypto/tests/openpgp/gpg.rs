//! A real gpg reads what bahub writes, and bahub reads what gpg writes. Without gpg these tests fail.

use std::sync::LazyLock;

use bahub_core::keys::{KeyErrorKind, KeySource, Keys, MessageFormat};
use bahub_core::secret::Secret;
use bahub_crypto::{KeyAlgorithm, OpenPgpKeys, addressees, generate};
use proptest::prelude::*;

use crate::support::{Gpg, KeyFiles, OURS, decrypt, encrypt, noise, request};

/// gpg with our key in its ring, and two keys of its own making.
struct Both {
    gpg: Gpg,
    ecc: KeyFiles,
    rsa: KeyFiles,
}

static BOTH: LazyLock<Both> = LazyLock::new(|| {
    let gpg = Gpg::new();
    gpg.import(OURS.key.secret.expose());
    let ecc = gpg.key(("ed25519", "cv25519"), "ecc@example.org", "");
    let rsa = gpg.key(("rsa2048", "rsa2048"), "rsa@example.org", "");
    Both { gpg, ecc, rsa }
});

fn sizes() -> Vec<usize> {
    let mut sizes = vec![0, 1, 185, 186, 505, 506, 507, 8377, 8378];
    for around in [1, 2, 3] {
        sizes.extend(
            [-46_isize, -45, -41, -24, -19, -18, -7, -6, -1, 0, 1, 16]
                .map(|near| 65_536_usize.wrapping_mul(around).checked_add_signed(near).unwrap()),
        );
    }
    sizes
}

#[test]
fn gpg_reads_every_size_that_bahub_writes() {
    for (turn, size) in sizes().into_iter().enumerate() {
        let plain = noise(size);
        let message = encrypt(&plain, &OURS.recipients(), MessageFormat::Rfc4880, turn % 2 == 0);
        assert!(BOTH.gpg.decrypt(&message).unwrap() == plain, "{size} bytes");
    }
}

#[test]
fn gpg_reads_what_was_written_for_its_own_keys() {
    for files in [&BOTH.ecc, &BOTH.rsa] {
        let plain = noise(100_000);
        let message = encrypt(&plain, &files.recipients(), MessageFormat::Rfc4880, true);
        assert!(BOTH.gpg.decrypt(&message).unwrap() == plain);
        assert!(decrypt(&message, &files.unlock(&message)).unwrap() == plain);
    }
}

#[test]
fn gpg_says_nothing_about_a_message_of_bahub() {
    let message = encrypt(&noise(1000), &OURS.recipients(), MessageFormat::Rfc4880, true);
    let status = BOTH.gpg.run(&["--status-fd", "1", "--output", "/dev/null", "--decrypt"], &message).unwrap();
    let status = String::from_utf8(status).unwrap();
    assert!(status.contains("DECRYPTION_OKAY") && status.contains("GOODMDC"), "{status}");
    assert!(!status.contains("WARNING") && !status.contains("FAILURE"), "{status}");
}

#[test]
fn bahub_reads_every_shape_that_gpg_writes() {
    let text = b"INSERT INTO t VALUES (1, 'the same again and again');\n".repeat(9000);
    let shapes: [&[&str]; 10] = [
        &[],
        &["--armor"],
        &["--compress-algo", "zip"],
        &["--compress-algo", "zlib", "--armor"],
        &["--compress-algo", "bzip2"],
        &["--compress-algo", "none"],
        &["--armor", "--comment", "a comment", "--emit-version", "--compress-algo", "none"],
        &["--cipher-algo", "AES", "--compress-algo", "none"],
        &["--cipher-algo", "AES192"],
        &["--rfc4880", "--textmode"],
    ];
    for shape in shapes {
        for (to, files) in [("ecc@example.org", &BOTH.ecc), ("rsa@example.org", &BOTH.rsa)] {
            for plain in [&b""[..], b"x", &noise(70_000), &text] {
                let to = ["--recipient", to, "--encrypt"];
                let message = BOTH.gpg.run(&[shape, &to].concat(), plain).unwrap();
                let back = decrypt(&message, &files.unlock(&message)).unwrap_or_else(|e| panic!("{shape:?}: {e}"));
                if shape.contains(&"--textmode") {
                    continue;
                }
                assert!(back == plain, "{shape:?}, {} bytes", plain.len());
            }
        }
    }
}

#[test]
fn bahub_reads_a_file_that_gpg_encrypted_with_a_known_length() {
    for compression in ["none", "zlib"] {
        let plain = noise(150_000);
        let path = BOTH.gpg.file(&format!("known-{compression}"), &plain);
        let args = ["--compress-algo", compression, "--recipient", "ecc@example.org", "--output", "-", "--encrypt"];
        let message = BOTH.gpg.run(&[&args[..], &[path.to_str().unwrap()]].concat(), b"").unwrap();
        assert!(decrypt(&message, &BOTH.ecc.unlock(&message)).unwrap() == plain);
    }
}

#[test]
fn bahub_reads_a_signed_message_of_gpg() {
    for compression in ["none", "zlib"] {
        let plain = noise(150_000);
        let args = ["--compress-algo", compression, "--recipient", "ecc@example.org", "--passphrase", ""];
        let sign = ["--local-user", "ecc@example.org", "--sign", "--encrypt"];
        let message = BOTH.gpg.run(&[&args[..], &sign].concat(), &plain).unwrap();
        assert!(decrypt(&message, &BOTH.ecc.unlock(&message)).unwrap() == plain);
    }
}

#[test]
fn every_recipient_of_gpg_reads_and_hidden_ones_too() {
    let plain = noise(5000);
    let named = ["--recipient", "ecc@example.org", "--recipient", "rsa@example.org", "--encrypt"];
    let hidden = ["--hidden-recipient", "ecc@example.org", "--hidden-recipient", "rsa@example.org", "--encrypt"];
    let mixed = ["--recipient", "ecc@example.org", "--hidden-recipient", "rsa@example.org", "--encrypt"];
    for to in [named, hidden, mixed] {
        let message = BOTH.gpg.run(&to, &plain).unwrap();
        for files in [&BOTH.ecc, &BOTH.rsa] {
            assert!(decrypt(&message, &files.unlock(&message)).unwrap() == plain);
        }
        let known = addressees(&message).unwrap();
        assert_eq!(known.len(), 2);
        assert_eq!(
            known.iter().filter(|id| *id == "hidden").count(),
            to.iter().filter(|a| a.starts_with("--h")).count()
        );
        let error = OpenPgpKeys.unlock(&OURS.spec, &message).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotForUs, "{}", error.chain());
    }
}

#[test]
fn a_locked_key_of_gpg_opens_with_its_passphrase_alone() {
    let gpg = Gpg::new();
    for algorithms in [("ed25519", "cv25519"), ("rsa2048", "rsa2048")] {
        let files = gpg.key(algorithms, &format!("{}@example.org", algorithms.0), "long secret");
        let plain = noise(300);
        let message = encrypt(&plain, &files.recipients(), MessageFormat::Rfc4880, true);
        assert!(decrypt(&message, &files.unlock(&message)).unwrap() == plain);
        for passphrase in [None, Some("wrong"), Some("")] {
            let mut spec = files.spec.clone();
            spec.passphrase = passphrase.map(Secret::new);
            let error = OpenPgpKeys.unlock(&spec, &message).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Locked, "{}", error.chain());
        }
    }
}

#[test]
fn an_old_key_with_sha1_signatures_is_refused_until_renewed_and_opens_old_messages() {
    let gpg = Gpg::new();
    let then = ["--faked-system-time", "20150101T000000!", "--cert-digest-algo", "SHA1"];
    let old = gpg.key_with(&then, ("rsa2048", "rsa2048"), "old@example.org", "");
    let plain = noise(100);
    let message = gpg.run(&["--recipient", "old@example.org", "--encrypt"], &plain).unwrap();
    assert!(decrypt(&message, &old.unlock(&message)).unwrap() == plain);

    let error = OpenPgpKeys.recipients(&old.spec).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unusable);
    assert!(error.to_string().contains("SHA1"), "{error}");
    let renewal = format!("gpg --quick-set-expire {} never", old.key.fingerprint);
    assert!(error.help().unwrap().to_string().contains(&renewal), "{error}");

    for subkeys in [&[][..], &["*"]] {
        let renew = ["--passphrase", "", "--quick-set-expire", &old.key.fingerprint, "never"];
        gpg.run(&[&renew, subkeys].concat(), b"").unwrap();
    }
    let public = gpg.run(&["--armor", "--export", "old@example.org"], b"").unwrap();
    let spec = old.spec.clone().with_public_key(KeySource::file(gpg.file("renewed.asc", &public)));
    assert_eq!(OpenPgpKeys.recipients(&spec).unwrap().len(), 1);
}

#[test]
fn gpg_uses_a_generated_key_with_and_without_passphrase() {
    for algorithm in [KeyAlgorithm::Cv25519, KeyAlgorithm::Rsa4096] {
        for passphrase in [None, Some(Secret::new("öpen sesame"))] {
            let gpg = Gpg::new();
            let mut spec = request("new@example.org").with_algorithm(algorithm);
            spec.passphrase = passphrase.clone();
            let mut files = KeyFiles::new(generate(&spec).unwrap());
            files.spec.passphrase.clone_from(&passphrase);
            gpg.import(files.key.secret.expose());
            let pass = passphrase.as_ref().map_or("", Secret::expose);

            let plain = noise(2000);
            let message = encrypt(&plain, &files.recipients(), MessageFormat::Rfc4880, false);
            assert!(gpg.run(&["--passphrase", pass, "--decrypt"], &message).unwrap() == plain);

            let message = gpg.run(&["--recipient", "new@example.org", "--encrypt"], &plain).unwrap();
            assert!(decrypt(&message, &files.unlock(&message)).unwrap() == plain);
        }
    }
}

#[test]
fn what_is_no_protected_message_is_refused_with_a_clear_text() {
    let cases: [(&[&str], &str); 4] = [
        (
            &["--rfc2440", "--disable-mdc", "--recipient", "ecc@example.org", "--encrypt"],
            "Symmetrically Encrypted Data",
        ),
        (&["--store"], "not encrypted"),
        (&["--passphrase", "", "--local-user", "ecc@example.org", "--sign"], "not encrypted"),
        (&["--armor", "--export", "ecc@example.org"], "not an OpenPGP message"),
    ];
    for (args, text) in cases {
        let Ok(message) = BOTH.gpg.run(args, &noise(100)) else { continue };
        let error = OpenPgpKeys.unlock(&BOTH.ecc.spec, &message).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotAMessage);
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.help().is_some());
    }
    let message = BOTH.gpg.run(&["--passphrase", "x", "--symmetric"], &noise(100)).unwrap();
    let error = OpenPgpKeys.unlock(&BOTH.ecc.spec, &message).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::NotForUs, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gpg_and_bahub_agree_both_ways(size in 0..300_000_usize, armor: bool, compress: bool) {
        let plain = noise(size);
        let ours = encrypt(&plain, &BOTH.ecc.recipients(), MessageFormat::Rfc4880, armor);
        prop_assert!(BOTH.gpg.decrypt(&ours).unwrap() == plain);
        let armor = if armor { "--armor" } else { "--no-armor" };
        let compress = if compress { "zlib" } else { "none" };
        let args = [armor, "--compress-algo", compress, "--recipient", "rsa@example.org", "--encrypt"];
        let theirs = BOTH.gpg.run(&args, &plain).unwrap();
        prop_assert!(decrypt(&theirs, &BOTH.rsa.unlock(&theirs)).unwrap() == plain);
    }
}

//! Keys that are made, and keys that are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bahub_testkit::fixtures::GnupgHome;

use super::support::{EMAIL, Scene};

const GENERATE: [&str; 3] = [":key:generate", "--email", "me@example.org"];

#[test]
fn a_new_key_is_private_and_replaces_none() {
    let scene = Scene::new();
    let args = [&GENERATE[..], &["--no-passphrase", "--name", "Me"]].concat();
    let run = scene.run(&args);
    run.assert_code(0);
    let mode = |name: &str| fs::metadata(scene.at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("bahub-private.asc"), mode("bahub-public.asc")), (0o600, 0o644));
    let before = fs::read(scene.at("bahub-private.asc")).unwrap();
    let again = scene.run(&args);
    again.assert_code(6);
    assert!(again.said().contains("never overwritten"), "{}", again.stderr);
    fs::remove_file(scene.at("bahub-private.asc")).unwrap();
    scene.run(&args).assert_code(6);
    assert!(!scene.at("bahub-private.asc").exists(), "half of a pair is written");
    assert!(String::from_utf8_lossy(&before).contains("PRIVATE KEY BLOCK"));
}

#[test]
fn a_key_is_never_left_open_by_accident() {
    let scene = Scene::new();
    let run = scene.run(&GENERATE);
    run.assert_code(2);
    assert!(run.said().contains("--passphrase-file"), "{}", run.stderr);
    assert!(!scene.at("bahub-private.asc").exists());
}

#[test]
fn a_locked_key_opens_with_the_first_line_of_its_file_alone() {
    let scene = Scene::new();
    fs::write(scene.at("passphrase"), "the first line\nanother\n").unwrap();
    scene.run(&[&GENERATE[..], &["--passphrase-file", "passphrase"]].concat()).assert_code(0);
    let encryption = |passphrase: &str| {
        let folder = scene.at("");
        format!(
            "private_key_path: {0}bahub-private.asc, public_key_path: {0}bahub-public.asc, email: me@example.org{passphrase}",
            folder.display()
        )
    };
    let locked = encryption("");
    let open = encryption(", passphrase: the first line");
    let scene = scene.with_encryption(&locked);
    scene.make();
    let run = scene.json(&[":backup:restore", "tree", "--to", "out"]);
    run.assert_code(6).assert_error(&["passphrase"]);
    scene.with_encryption(&open).assert_restores("out");
}

#[test]
fn an_expired_key_is_refused_and_named() {
    let gpg = GnupgHome::new();
    let back_then = ["--faked-system-time", "20200101T000000!", "--passphrase", ""];
    gpg.gpg(
        &[&back_then[..], &["--quick-generate-key", "old@example.org", "future-default", "default", "1y"]].concat(),
        b"",
    );
    let public = gpg.path().join("public.asc");
    fs::write(&public, gpg.gpg(&["--armor", "--export", "old@example.org"], b"")).unwrap();
    let listed = String::from_utf8(gpg.gpg(&["--with-colons", "--list-keys"], b"")).unwrap();
    let fingerprint =
        listed.lines().find(|line| line.starts_with("fpr:")).unwrap().replace("fpr:", "").replace(':', "");
    let encryption = format!("public_key_path: {}, email: old@example.org", public.display());
    let scene = Scene::new().with_encryption(&encryption);
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(6).assert_error(&["Expired on", &fingerprint]);
    assert_eq!(scene.store_files(), [""; 0]);
    // Nor as one of several: no recipient is left out silently.
    let other = Scene::new();
    let encryption = format!(
        "public_key_path: {}, email: {EMAIL}, recipients: [{}]",
        other.keys().public().display(),
        public.display()
    );
    let other = other.with_encryption(&encryption);
    other.json(&[":backup:make", "tree"]).assert_code(6).assert_error(&["Expired on", &fingerprint]);
    assert_eq!(other.store_files(), [""; 0]);
}

#[test]
fn a_key_without_the_address_is_refused() {
    let scene = Scene::new();
    let public = scene.keys().public().display().to_string();
    let scene = scene.with_encryption(&format!("public_key_path: {public}, email: other@example.org"));
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(6).assert_error(&["other@example.org"]);
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn a_key_that_soon_expires_is_a_warning() {
    let scene = Scene::new();
    scene.run(&[&GENERATE[..], &["--no-passphrase", "--days", "5"]].concat()).assert_code(0);
    let encryption = format!("public_key_path: {}, email: me@example.org", scene.at("bahub-public.asc").display());
    let scene = scene.with_encryption(&encryption);
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(0);
    assert!(run.report()["warnings"].to_string().contains("expires in"), "{run:?}");
}

#[test]
fn every_recipient_can_read() {
    let (scene, other) = (Scene::new(), Scene::new());
    let encryption = format!(
        "private_key_path: {}, email: {EMAIL}, recipients: [{}]",
        scene.keys().private().display(),
        other.keys().public().display()
    );
    let scene = scene.with_encryption(&encryption);
    scene.make();
    scene.assert_restores("out");
    let encryption = format!("private_key_path: {}, email: {EMAIL}", other.keys().private().display());
    let scene = scene.with_encryption(&encryption);
    scene.assert_restores("by-the-other");
    let stranger = Scene::new();
    let encryption = format!("private_key_path: {}, email: {EMAIL}", stranger.keys().private().display());
    let scene = scene.with_encryption(&encryption);
    scene.json(&[":backup:restore", "tree", "--to", "by-a-stranger"]).assert_code(6);
    assert!(!scene.at("by-a-stranger").exists());
}

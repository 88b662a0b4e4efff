//! Placing files on the host.

use std::fs;
use std::path::Path;

use bahub_core::step::Exit;
use bahub_core::transport::{PlacedPath, PutFile, Session, TransportError, TransportErrorKind};
use bahub_testkit::fixtures::{Sshd, noise};
use serde_json::json;

use crate::support::{open, run, transport};

async fn put(session: &mut dyn Session, name: &str, content: &[u8]) -> Result<String, TransportError> {
    session.put(PutFile { name, content, mode: 0o500 }).await.map(|PlacedPath(path)| path)
}

#[tokio::test]
async fn one_folder_holds_all_files_and_none_is_replaced() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let one = put(&mut *session, "it's one", b"1").await.unwrap();
    let two = put(&mut *session, "two", b"2").await.unwrap();
    assert_eq!(Path::new(&one).parent(), Path::new(&two).parent());
    let error = put(&mut *session, "two", b"3").await.unwrap_err();
    assert!(error.to_string().contains("it already exists"), "{error}");
    assert_eq!(fs::read(&two).unwrap(), b"2");
    session.close().await.unwrap();
    assert!(!Path::new(&one).parent().unwrap().exists());
}

#[tokio::test]
async fn a_folder_that_an_agent_removed_with_itself_is_created_again() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let one = put(&mut *session, "agent", b"1").await.unwrap();
    let folder = Path::new(&one).parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    // Another user who saw the name takes it.
    std::os::unix::fs::symlink("/var", folder).unwrap();
    let two = put(&mut *session, "agent", b"2").await.unwrap();
    assert_ne!(one, two);
    session.close().await.unwrap();
    assert!(!Path::new(&two).parent().unwrap().exists());
    assert!(fs::symlink_metadata(folder).is_err() && Path::new("/var/tmp").exists());
}

#[tokio::test]
async fn names_with_a_folder_in_them_are_refused() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    for name in ["", ".", "..", "a/b", "/etc/x", "a\nb"] {
        assert!(put(&mut *session, name, b"").await.is_err(), "{name:?}");
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn the_next_place_is_used_if_one_is_unsuitable() {
    let noexec = "mount --bind /tmp /tmp; mount -o remount,bind,noexec /tmp";
    let sshd = Sshd::with(noexec, &["SetEnv TMPDIR=/nonexistent"]);
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let path = put(&mut *session, "agent", b"#!/bin/sh\necho here\n").await.unwrap();
    assert!(path.starts_with("/var/tmp/bahub-"), "{path}");
    assert_eq!(run(&mut *session, &path).await, ("here\n".to_owned(), Exit::Code(0)));
    session.close().await.unwrap();
    assert!(!Path::new(&path).parent().unwrap().exists());
}

#[tokio::test]
async fn an_error_names_every_place_that_was_tried_and_why() {
    let mounts = "for d in /tmp /var/tmp \"$HOME\"; do mount --bind \"$d\" \"$d\"; done; \
                  mount -o remount,bind,noexec /tmp; mount -o remount,bind,ro /var/tmp; mount -o remount,bind,noexec \"$HOME\"";
    let sshd = Sshd::with(mounts, &["SetEnv TMPDIR=/nonexistent"]);
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let error = put(&mut *session, "agent", b"1").await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Put);
    let home = std::env::var("HOME").unwrap();
    let noexec = "it does not allow execution (mounted noexec?)";
    for reason in [format!("/tmp: {noexec}"), format!("{home}: {noexec}"), "Read-only file system".into()] {
        assert!(error.to_string().contains(&reason), "{error}");
    }
    assert!(error.to_string().contains("(/nonexistent: "), "{error}");
    assert!(error.help().unwrap().contains("TMPDIR"));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let sshd = Sshd::with("mount -t tmpfs -o size=256k tmpfs /var/tmp", &["SetEnv TMPDIR=/var/tmp"]);
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let error = put(&mut *session, "agent", &noise(4 << 20)).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Put);
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert_eq!(run(&mut *session, "ls -A /var/tmp/bahub-*").await, (String::new(), Exit::Code(0)), "no part is left");
    put(&mut *session, "agent", b"1").await.unwrap();
    session.close().await.unwrap();
}

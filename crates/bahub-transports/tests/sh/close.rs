//! Nothing is left behind.

use std::path::Path;

use bahub_core::transport::{PlacedPath, PutFile, Session};
use tokio::io::AsyncReadExt;

use crate::exec::gone;
use crate::place::{open, runs, sh};

async fn placed(session: &mut dyn Session) -> String {
    let PlacedPath(path) = session.put(PutFile { name: "agent", content: b"1", mode: 0o400 }).await.unwrap();
    path
}

/// Starts a program that ends and leaves another one behind in its group; returns the other one's id.
async fn leave_a_child_behind(session: &mut dyn Session) -> String {
    let mut process = sh(session, "sleep 1000 >/dev/null 2>&1 & echo $!").await;
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    process.exit.await;
    said.trim().to_owned()
}

#[tokio::test]
async fn close_removes_the_folder_and_kills_what_programs_left_behind() {
    let mut session = open().await;
    let path = placed(&mut *session).await;
    let pid = leave_a_child_behind(&mut *session).await;
    assert!(runs(&pid));

    session.close().await.unwrap();

    gone(&pid).await;
    assert!(!Path::new(&path).parent().unwrap().exists());
}

#[tokio::test]
async fn a_dropped_session_does_the_same() {
    let mut session = open().await;
    let path = placed(&mut *session).await;
    let pid = leave_a_child_behind(&mut *session).await;

    drop(session);

    gone(&pid).await;
    assert!(!Path::new(&path).parent().unwrap().exists());
}

#[tokio::test]
async fn close_leaves_no_zombie() {
    let mut session = open().await;
    let mut process = sh(&mut *session, "echo $$; exec sleep 1000").await;
    let pid = process.stdout.read_u8().await.unwrap();
    let mut said = vec![pid];
    while said.last() != Some(&b'\n') {
        said.push(process.stdout.read_u8().await.unwrap());
    }
    let pid = String::from_utf8(said).unwrap().trim().to_owned();

    session.close().await.unwrap();

    assert!(!Path::new("/proc").join(&pid).exists());
    drop(process);
}

#[tokio::test]
async fn a_file_that_was_removed_already_is_no_error() {
    let mut session = open().await;
    let path = placed(&mut *session).await;
    std::fs::remove_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    session.close().await.unwrap();
}

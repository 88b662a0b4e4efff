//! Broken connections.

use std::path::Path;
use std::time::{Duration, Instant};

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, PutFile, TransportErrorKind};
use bahub_testkit::fixtures::Sshd;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::support::{gone, line, open, start, transport, until};

const FILE: PutFile<'static> = PutFile { name: "agent", content: b"1", mode: 0o500 };

#[tokio::test]
async fn a_broken_connection_is_not_an_exit_and_the_remote_side_is_clean() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let PlacedPath(path) = session.put(FILE).await.unwrap();
    let mut process = start(&mut *session, "echo $$; exec cat").await;
    let pid = line(&mut process).await;

    sshd.signal_connections("KILL");

    assert_eq!(process.exit.await, Exit::Lost);
    gone(&pid).await;
    let error = session.exec(&Exec::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Lost, "{error}");
    session.close().await.unwrap();
    assert!(!Path::new(&path).parent().unwrap().exists(), "a new connection removes it");
}

#[tokio::test]
async fn a_network_that_is_cut_is_noticed_within_30_seconds() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let PlacedPath(path) = session.put(FILE).await.unwrap();
    let mut process = start(&mut *session, "echo $$; exec cat").await;
    let pid = line(&mut process).await;
    let cut = sshd.connections();

    sshd.signal_connections("STOP");
    let began = Instant::now();

    assert_eq!(process.stdout.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(process.exit.await, Exit::Lost);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    session.close().await.unwrap();
    assert!(!Path::new(&path).parent().unwrap().exists());
    // Sooner or later the remote side notices the broken connection.
    for connection in cut {
        std::process::Command::new("kill").args(["-CONT", &connection]).status().unwrap();
    }
    gone(&pid).await;
}

#[tokio::test]
async fn a_dropped_session_leaves_nothing() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let PlacedPath(path) = session.put(FILE).await.unwrap();
    let mut process = start(&mut *session, "echo $$; exec sleep 1000").await;
    let pid = line(&mut process).await;

    drop(session);

    gone(&pid).await;
    let limit = Duration::from_secs(20);
    until(limit, "no connection is left", async || sshd.connections().is_empty()).await;
    assert!(!Path::new(&path).parent().unwrap().exists());
}

#[tokio::test]
async fn a_dropped_open_leaves_no_connection() {
    let sshd = Sshd::start();
    let transport = transport(sshd.spec(), json!({}));
    tokio::select! {
        biased;
        _ = open(&transport) => panic!("it takes longer than nothing"),
        () = tokio::time::sleep(Duration::from_millis(1)) => {}
    }
    let limit = Duration::from_secs(20);
    until(limit, "it logs in all the same", async || sshd.log().contains("Accepted publickey")).await;
    until(limit, "no connection is left", async || sshd.connections().is_empty()).await;
}

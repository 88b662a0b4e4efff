//! Programs with live stdio, and how they end.

use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, TransportErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::place::{open, runs, sh};

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_both_ways_exactly() {
    const SIZE: usize = 64 << 20;
    let mut session = open().await;
    let sent = random(SIZE);
    let Process { mut stdin, mut stdout, exit, .. } = session.exec(&Exec::new(["cat"])).await.unwrap();

    let feed = sent.clone();
    let feeder = tokio::spawn(async move {
        stdin.write_all(&feed).await.unwrap();
        stdin.shutdown().await.unwrap();
    });
    let mut got = Vec::with_capacity(SIZE);
    stdout.read_to_end(&mut got).await.unwrap();

    feeder.await.unwrap();
    assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
    assert_eq!(exit.await, Exit::Code(0));
    session.close().await.unwrap();
}

fn random(size: usize) -> Vec<u8> {
    use std::io::Read;
    let mut bytes = vec![0; size];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn stdio_is_live() {
    let mut session = open().await;
    let Process { mut stdin, mut stdout, exit: _running, .. } = session.exec(&Exec::new(["cat"])).await.unwrap();
    for word in [b"ping", b"pong"] {
        stdin.write_all(word).await.unwrap();
        stdin.flush().await.unwrap();
        let mut answer = [0; 4];
        stdout.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, word);
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn an_exit_status_is_reported_exactly() {
    let mut session = open().await;
    for (script, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("exit 255", Exit::Code(255)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -15 $$", Exit::Signal(15)),
    ] {
        assert_eq!(sh(&mut *session, script).await.exit.await, expected, "{script}");
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_flood_on_stderr_does_not_block_stdout() {
    let mut session = open().await;
    let script = "head -c 16777216 /dev/zero >&2; echo done";
    let Process { mut stdout, mut stderr, exit, .. } = sh(&mut *session, script).await;
    let (mut said, mut flood) = (String::new(), Vec::new());
    let (one, other) = tokio::join!(stdout.read_to_string(&mut said), stderr.read_to_end(&mut flood));
    one.unwrap();
    other.unwrap();
    assert_eq!((said.as_str(), flood.len()), ("done\n", 16 << 20));
    assert_eq!(exit.await, Exit::Code(0));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let mut session = open().await;
    let error = session.exec(&Exec::new(["no-such-program"])).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Exec);
    assert!(error.to_string().contains("no-such-program") && error.help().is_some());
    assert_eq!(session.exec(&Exec::new([""; 0])).await.unwrap_err().kind(), TransportErrorKind::Exec);
}

#[tokio::test]
async fn words_are_not_interpreted_by_a_shell() {
    let mut session = open().await;
    let mut process = session.exec(&Exec::new(["printf", "%s", "$(id) 'a' \"b\"\n;"])).await.unwrap();
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "$(id) 'a' \"b\"\n;");
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_process_is_killed_with_all_that_it_started() {
    let mut session = open().await;
    let mut process = sh(&mut *session, "sleep 1000 & echo $!; echo $$; wait").await;
    let mut said = Vec::new();
    while said.iter().filter(|byte| **byte == b'\n').count() < 2 {
        said.push(process.stdout.read_u8().await.unwrap());
    }
    let Process { mut stdout, exit, .. } = process;
    drop(exit);
    // The pipe ends when the last of them is dead.
    tokio::time::timeout(Duration::from_secs(30), stdout.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    for pid in String::from_utf8(said).unwrap().lines() {
        gone(pid).await;
    }
}

/// A signal is sent before the process is gone: this waits for the kernel, not for a time.
pub(crate) async fn gone(pid: &str) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while runs(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

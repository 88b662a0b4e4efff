//! What is sent to the target: no private key, and no passphrase.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bahub_adapters::filesystem::Filesystem;
use bahub_core::engine::RestoreOptions;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::registry::Component;
use bahub_core::report::Outcome;
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, Transport, TransportError};
use bahub_testkit::contains;
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::{EngineRoom, agent_program};
use serde_json::json;
use tokio::io::AsyncWrite;

use super::support::{ENGINE, transport};

/// A transport that records everything sent to programs.
#[derive(Debug)]
struct Recording {
    inner: bahub_transports::docker::Docker,
    sent: Arc<Mutex<Vec<u8>>>,
}

struct RecordingSession {
    inner: Box<dyn Session>,
    sent: Arc<Mutex<Vec<u8>>>,
}

struct Recorder {
    inner: Pin<Box<dyn AsyncWrite + Send>>,
    sent: Arc<Mutex<Vec<u8>>>,
}

#[async_trait]
impl Transport for Recording {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(RecordingSession { inner: self.inner.open(cx).await?, sent: Arc::clone(&self.sent) }))
    }
}

#[async_trait]
impl Session for RecordingSession {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        self.inner.identity().await
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        self.inner.coverage(paths).await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let process = self.inner.exec(command).await?;
        let stdin = Box::pin(Recorder { inner: process.stdin, sent: Arc::clone(&self.sent) });
        Ok(Process { stdin, ..process })
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.inner.put(file).await
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        self.inner.close().await
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = self.inner.as_mut().poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.sent.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner.as_mut().poll_shutdown(cx)
    }
}

/// The bytes inside an armour.
fn dearmoured(text: &str) -> Vec<u8> {
    let body =
        text.split("\n\n").nth(1).unwrap().lines().take_while(|line| !line.starts_with(['=', '-'])).collect::<String>();
    let decoded =
        std::process::Command::new("sh").args(["-c", "printf %s \"$0\" | base64 -d", &body]).output().unwrap();
    assert!(decoded.status.success());
    decoded.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_key_never_crosses() {
    ENGINE.container("frames", &["--volume", "/data"]);
    ENGINE.docker(&["exec", "frames", "sh", "-c", "echo content >/data/file"]);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let recording = Recording { inner: transport("frames", json!({})), sent: Arc::clone(&sent) };
    let room = EngineRoom::new().with_transport(Arc::new(recording)).with_agent_program(agent_program());
    let adapter = Filesystem::from_config(serde_json::from_value(json!({ "paths": ["/data"] })).unwrap(), &()).unwrap();
    let plan = room.plan(Arc::new(adapter), Arc::new(MemorySink::new("frames")));
    let made = room.backup(&plan).await;
    assert_eq!(made.report.outcome, Outcome::Succeeded, "{:?}", made.error);
    ENGINE.docker(&["exec", "frames", "rm", "/data/file"]);
    let restored = room.restore(&plan, &RestoreOptions::default()).await;
    assert_eq!(restored.report.outcome, Outcome::Succeeded, "{:?}", restored.error);
    assert_eq!(ENGINE.docker(&["exec", "frames", "cat", "/data/file"]), "content");

    let read = |path| dearmoured(&std::fs::read_to_string(path).unwrap());
    let (private, public) = (read(room.keys().private()), read(room.keys().public()));
    let sent = sent.lock().unwrap();
    let secret: Vec<_> = private.windows(16).filter(|part| !contains(&public, part)).collect();
    assert!(secret.len() > 16, "this test knows no secret");
    // The public key is sent: this test would see a private one.
    assert!(public.windows(16).any(|part| contains(&sent, part)));
    assert!(!secret.iter().any(|part| contains(&sent, part)));
}

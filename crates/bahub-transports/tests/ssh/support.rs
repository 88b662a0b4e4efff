//! An sshd, opened.

use std::future::Future;
use std::time::Duration;

use bahub_core::event::Events;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, Session, Transport, TransportError};
use bahub_transports::ssh::Ssh;
use serde_json::Value;
use tokio::io::AsyncReadExt;

pub(crate) fn cx() -> RunContext {
    RunContext::new("test", RunPurpose::Backup, Events::ignored()).unwrap()
}

/// A transport with this `spec`, with some fields changed.
pub(crate) fn transport(mut spec: Value, other: Value) -> Ssh {
    spec.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    Ssh::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap()
}

pub(crate) async fn open(transport: &Ssh) -> Result<Box<dyn Session>, TransportError> {
    transport.open(&cx()).await
}

pub(crate) async fn start(session: &mut dyn Session, script: &str) -> Process {
    session.exec(&Exec::new(["sh", "-c", script])).await.unwrap()
}

/// The output of a script, and how it ends.
pub(crate) async fn run(session: &mut dyn Session, script: &str) -> (String, Exit) {
    let mut process = start(session, script).await;
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    (said, process.exit.await)
}

/// The next line that a program prints.
pub(crate) async fn line(process: &mut Process) -> String {
    let mut said = Vec::new();
    while said.last() != Some(&b'\n') {
        said.push(process.stdout.read_u8().await.unwrap());
    }
    String::from_utf8(said).unwrap().trim().to_owned()
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(limit: Duration, what: &str, condition: impl Fn() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(limit, wait).await.is_ok(), "{what}");
}

/// Whether the process runs: a zombie does not.
pub(crate) fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

pub(crate) async fn gone(pid: &str) {
    until(Duration::from_secs(20), "the program ends", async || !runs(pid)).await;
}

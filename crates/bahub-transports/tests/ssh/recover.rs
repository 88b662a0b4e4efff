//! Killed controllers.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Transport, TransportErrorKind};
use bahub_testkit::fixtures::Sshd;
use serde_json::{Value, json};

use crate::support::{cx, gone, line, open, run, start, transport, until};

const SPEC: &str = "BAHUB_TEST_SSH_SPEC";

/// This test program again, as a separate controller with this `spec`.
fn controller(spec: &Value) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "recover::as_a_controller", "--ignored", "--nocapture"]);
    command.env(SPEC, spec.to_string()).env_remove("XDG_RUNTIME_DIR").stdout(Stdio::piped());
    command
}

#[tokio::test]
#[ignore = "other tests start it in a process of its own"]
async fn as_a_controller() {
    let Ok(spec) = std::env::var(SPEC) else { return };
    match open(&transport(serde_json::from_str(&spec).unwrap(), json!({}))).await {
        Ok(mut session) => {
            let mut process = start(&mut *session, "echo $$; exec cat").await;
            println!("pid {}", line(&mut process).await);
            std::future::pending::<()>().await;
        }
        Err(error) => println!("error {:?}: {error}", error.kind()),
    }
}

fn control_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/tmp").unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_str().unwrap().starts_with("/tmp/bahub-ssh-")).collect()
}

#[tokio::test]
async fn the_master_of_a_killed_controller_is_ended_and_a_live_one_is_not() {
    let (sshd, other) = (Sshd::start(), Sshd::start());
    let ssh = transport(other.spec(), json!({}));
    let mut live = open(&ssh).await.unwrap();
    let mut dead = controller(&sshd.spec()).spawn().unwrap();
    let said = BufReader::new(dead.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = said.filter_map(|line| line.split_once("pid ").map(|(_, pid)| pid.to_owned())).next().unwrap();

    dead.kill().unwrap();
    dead.wait().unwrap();

    gone(&pid).await;
    assert_eq!(sshd.connections().len(), 1, "its master lives");
    let recovered = ssh.recover(&cx()).await.unwrap();
    assert!(recovered.iter().any(|recovered| recovered.done == "ended"), "{recovered:?}");
    let limit = Duration::from_secs(20);
    until(limit, "no connection is left", async || sshd.connections().is_empty()).await;
    for recovered in recovered {
        assert!(!control_folders().iter().any(|folder| recovered.what.contains(folder.to_str().unwrap())));
    }
    assert_eq!(run(&mut *live, "exit 7").await.1, Exit::Code(7));
    live.close().await.unwrap();
    assert_eq!(ssh.recover(&cx()).await.unwrap(), []);
}

#[tokio::test]
async fn a_missing_ssh_is_reported() {
    let output = controller(&Sshd::start().spec()).env("PATH", "/nonexistent").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("error {:?}: cannot start ssh", TransportErrorKind::Unreachable)), "{said}");
}

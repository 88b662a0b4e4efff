//! Hosts that cannot be reached, and what is reported.

use std::fs;
use std::net::TcpListener;

use bahub_core::transport::{TransportError, TransportErrorKind};
use bahub_testkit::fixtures::Sshd;
use serde_json::{Value, json};

use crate::support::{open, transport};

async fn refusal(sshd: &Sshd, other: Value) -> TransportError {
    open(&transport(sshd.spec(), other)).await.err().unwrap()
}

fn says(error: &TransportError, kind: TransportErrorKind, message: &str, help: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
    let said = error.help().unwrap();
    assert!(said.contains(help), "{error}: {said}");
}

#[tokio::test]
async fn an_unknown_host_key_is_refused() {
    let sshd = Sshd::start();
    fs::write(sshd.file("known_hosts"), "").unwrap();
    let error = refusal(&sshd, json!({})).await;
    let help = format!("ssh-keyscan -p {} 127.0.0.1", sshd.port());
    says(&error, TransportErrorKind::Refused, "the host's key is unknown", &help);
    assert_eq!(fs::read_to_string(sshd.file("known_hosts")).unwrap(), "", "it is not learnt");
}

#[tokio::test]
async fn a_changed_host_key_is_refused() {
    let sshd = Sshd::start();
    let other = fs::read_to_string(sshd.file("other_key.pub")).unwrap();
    fs::write(sshd.file("known_hosts"), format!("[127.0.0.1]:{} {other}", sshd.port())).unwrap();
    let error = refusal(&sshd, json!({})).await;
    let help = format!("-R '[127.0.0.1]:{}'", sshd.port());
    says(&error, TransportErrorKind::Refused, "differs from the one in known_hosts", &help);
}

#[tokio::test]
async fn the_users_own_configuration_cannot_weaken_the_check() {
    let sshd = Sshd::start();
    fs::write(sshd.file("known_hosts"), "").unwrap();
    fs::write(sshd.file("ssh_config"), "Host *\nStrictHostKeyChecking no\nServerAliveCountMax 1000\n").unwrap();
    says(&refusal(&sshd, json!({})).await, TransportErrorKind::Refused, "the host's key is unknown", "ssh-keyscan");
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_refused() {
    let sshd = Sshd::start();
    let error = refusal(&sshd, json!({ "identity_file": sshd.file("other_key") })).await;
    says(&error, TransportErrorKind::Refused, "refused the login", "authorized_keys");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let sshd = Sshd::start();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refusal(&sshd, json!({ "port": port })).await;
    says(&error, TransportErrorKind::Unreachable, "the connection was refused", "`port`");
}

#[tokio::test]
async fn a_host_that_does_not_speak_is_given_up_after_the_timeout() {
    let sshd = Sshd::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = refusal(&sshd, json!({ "port": silent.local_addr().unwrap().port(), "connect_timeout": 1 })).await;
    says(&error, TransportErrorKind::Unreachable, "timed out", "connect_timeout");
}

#[tokio::test]
async fn an_unknown_host_name_is_unreachable() {
    let error = refusal(&Sshd::start(), json!({ "host": "bahub.invalid" })).await;
    says(&error, TransportErrorKind::Unreachable, "cannot be resolved", "`Host` of ~/.ssh/config");
}

#[tokio::test]
async fn a_jump_host_is_checked_in_the_same_way() {
    let (sshd, gate) = (Sshd::start(), Sshd::start());
    let jump = json!({ "jump": format!("127.0.0.1:{}", gate.port()) });
    let error = refusal(&sshd, jump.clone()).await;
    says(&error, TransportErrorKind::Unreachable, "the connection failed", &format!("-J 127.0.0.1:{}", gate.port()));

    let known = ["known_hosts", "authorized_keys"].map(|name| {
        let both = fs::read_to_string(sshd.file(name)).unwrap() + &fs::read_to_string(gate.file(name)).unwrap();
        fs::write(sshd.file(name), &both).unwrap();
        both
    });
    fs::write(gate.file("authorized_keys"), &known[1]).unwrap();
    let session = open(&transport(sshd.spec(), jump)).await.unwrap();
    assert_eq!((sshd.connections().len(), gate.connections().len()), (1, 1));
    session.close().await.unwrap();
}

//! Commands that run as root for an ordinary user.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, TransportErrorKind};
use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fixtures::{Sshd, agent_program, secrets_in_proc};
use serde_json::{Value, json};

use crate::support::{line, open, run, start, transport};

const PASSWORD: &str = "id;exit 3 #it's";

/// An sshd whose `/etc` has a user `tester` with that password, and a sudoers rule for that user.
fn sshd(rule: &str) -> Sshd {
    let hash = hash(PASSWORD);
    let mounts = format!(
        r#"umask 077
        cp /etc/passwd passwd; echo 'tester:x:4242:4242::/:/bin/sh' >>passwd
        printf 'root:*:1::::::\ntester:%s:19000:0:99999:7:::\n' '{hash}' >shadow
        printf '%s\n' '{rule}' >sudoers
        chmod 644 passwd; chmod 440 sudoers
        for f in passwd shadow sudoers; do mount --bind $f /etc/$f; done
        mkdir -p /run/sudo; mount -t tmpfs tmpfs /run/sudo"#
    );
    Sshd::with(&mounts, &["AllowUsers tester"])
}

/// The hash for `/etc/shadow` (crypt(5)); the password is in no argument, where a test looks for it.
fn hash(password: &str) -> String {
    let mut perl = Command::new("perl");
    perl.args(["-e", "chomp($p = <STDIN>); print crypt($p, q($6$salt$))"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut perl = perl.spawn().unwrap();
    perl.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    String::from_utf8(perl.wait_with_output().unwrap().stdout).unwrap()
}

fn with(sudo: Value) -> Value {
    json!({ "user": "tester", "sudo": sudo })
}

async fn refusal(sshd: &Sshd, sudo: Value) -> String {
    let mut session = open(&transport(sshd.spec(), with(sudo))).await.unwrap();
    let error = session.exec(&Exec::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Refused, "{error}");
    session.close().await.unwrap();
    format!("{error} | {}", error.help().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_conforms_with_sudo_that_asks() {
    let sshd = sshd("tester ALL=(ALL:ALL) ALL");
    let ssh = transport(sshd.spec(), with(json!({ "password": PASSWORD })));
    let options = TransportOptions {
        agent_program: Some(agent_program()),
        volume: 1 << 20,
        secrets: vec![PASSWORD.into()],
        ..TransportOptions::default()
    };
    let report = conformance::transport(Arc::new(ssh), &options).await;
    report.assert_conforms();
    assert_eq!(report.held(), transport_claim::without_a_workload());
}

#[tokio::test]
async fn the_password_is_given_when_it_is_asked_for_and_is_in_no_argument() {
    let sshd = sshd("tester ALL=(ALL:ALL) ALL");
    let work = async {
        let mut session = open(&transport(sshd.spec(), with(json!({ "password": PASSWORD })))).await.unwrap();
        let mut process = start(&mut *session, "id -u; exec cat").await;
        assert_eq!(line(&mut process).await, "0");
        session.close().await.unwrap();
    };
    let ((), seen, looked_at) = secrets_in_proc(&[PASSWORD], work).await;
    assert!(seen.is_empty() && looked_at > 5, "{seen:?} of {looked_at}");
}

#[tokio::test]
async fn a_password_that_sudo_does_not_ask_for_is_not_sent() {
    let sshd = sshd("tester ALL=(ALL:ALL) NOPASSWD: ALL");
    for sudo in [json!({ "password": PASSWORD }), json!(true)] {
        let mut session = open(&transport(sshd.spec(), with(sudo))).await.unwrap();
        assert_eq!(run(&mut *session, "id -u").await, ("0\n".to_owned(), Exit::Code(0)));
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_one_are_refused() {
    let sshd = sshd("tester ALL=(ALL:ALL) ALL");
    let message = refusal(&sshd, json!({ "password": "wrong-password" })).await;
    assert!(message.contains("does not accept the password") && !message.contains("wrong-password"), "{message}");
    let message = refusal(&sshd, json!(true)).await;
    assert!(message.contains("NOPASSWD"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_die_where_sudo_gives_them_a_terminal_of_their_own() {
    let sshd = sshd("Defaults use_pty\ntester ALL=(ALL:ALL) NOPASSWD: ALL");
    let mut session = open(&transport(sshd.spec(), with(json!(true)))).await.unwrap();
    let mut process = start(&mut *session, "echo $$; exec sleep 1000").await;
    let pid = line(&mut process).await;
    session.close().await.unwrap();
    crate::support::gone(&pid).await;
}

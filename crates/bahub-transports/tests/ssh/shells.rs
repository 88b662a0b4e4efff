//! Login shells.

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, TransportErrorKind};
use bahub_testkit::fixtures::Sshd;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{open, transport};

/// Words with shell metacharacters, and input that follows them immediately.
async fn works_behind(login: &str) {
    let sshd = Sshd::with("", &[&format!("ForceCommand {login}")]);
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let words = ["it's", "two\nlines", "!x !! $HOME", "back\\slash \\n", "\"", "`id`", "%5", ""];
    let script = "head -c 5; printf '<%s>' \"$@\"";
    let argv = ["sh", "-c", script, "sh"].into_iter().chain(words);
    let mut process = session.exec(&Exec::new(argv)).await.unwrap();
    process.stdin.write_all(b"input").await.unwrap();
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
    assert_eq!((said, process.exit.await), (format!("input{expected}"), Exit::Code(0)), "{login}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn csh_and_fish_and_the_usual_ones_work() {
    for shell in ["sh", "bash", "csh", "fish", "busybox sh"] {
        works_behind(&format!("exec {shell} -c \"$SSH_ORIGINAL_COMMAND\"")).await;
    }
}

#[tokio::test]
async fn the_output_of_a_login_shell_is_skipped() {
    works_behind("echo Welcome; yes noise | head -c 30000; echo there >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\"").await;
}

#[tokio::test]
async fn a_login_shell_that_runs_nothing_is_reported() {
    let sshd = Sshd::with("", &["ForceCommand echo 'This account is not available.' >&2; exit 1"]);
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    let error = session.exec(&Exec::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Exec);
    assert!(error.to_string().contains("This account is not available."), "{error}");
    session.close().await.unwrap();
}

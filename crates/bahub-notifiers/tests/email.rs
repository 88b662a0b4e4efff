//! E-mail, against a server that speaks enough of SMTP.

#![cfg(feature = "email")]
#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

use std::sync::Arc;

use bahub_core::config::{Configuration, Environment, NotifierPlan};
use bahub_core::event::Operation;
use bahub_core::notifier::{Notification, NotifyErrorKind, Occasion};
use bahub_core::registry::RegistryBuilder;
use bahub_notifiers::register;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Takes one e-mail, or refuses its recipient with this answer; returns what it was sent.
async fn server(refuses: Option<&'static str>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        let mut in_data = false;
        stream.write_all(b"220 here\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return lines;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." if in_data => {
                    in_data = false;
                    "250 taken"
                }
                _ if in_data => "",
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                to if to.starts_with("RCPT") => refuses.unwrap_or("250 ok"),
                _ => "250 ok",
            };
            lines.push(line);
            if !answer.is_empty() {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    (port, task)
}

fn notifier(port: u16, tls: &str) -> NotifierPlan {
    let mut components = RegistryBuilder::new();
    register(&mut components);
    let spec = json!({ "host": "127.0.0.1", "port": port, "tls": tls, "from": "bahub <b@example.org>", "to": ["a@example.org", "c@example.org"] });
    let text = json!({ "notifiers": { "n": { "type": "email", "spec": spec } } }).to_string();
    let registry = Arc::new(components.build().unwrap());
    let configuration = Configuration::parse("n.yaml", &text, &registry, Environment::process()).unwrap();
    let (mut notifiers, errors) = configuration.notifiers();
    assert!(errors.is_empty(), "{errors:?}");
    notifiers.pop().unwrap()
}

fn notification() -> Notification {
    let mut notification = Notification::new(Occasion::Failure, Operation::Backup, "host1");
    notification.title = "shop: backup failed\r\nBcc: thief@example.org".into();
    notification.body = "first line\n.\nlast line".into();
    notification
}

#[tokio::test]
async fn an_e_mail_has_a_subject_of_one_line_and_the_whole_text() {
    let (port, lines) = server(None).await;
    notifier(port, "none").notifier.send(&notification()).await.unwrap();
    let lines = lines.await.unwrap();
    let has = |line: &str| assert!(lines.iter().any(|sent| sent == line), "{line:?} is not in {lines:?}");
    [
        "MAIL FROM:<b@example.org>",
        "RCPT TO:<a@example.org>",
        "RCPT TO:<c@example.org>",
        "first line",
        "..",
        "last line",
    ]
    .iter()
    .for_each(|line| has(line));
    assert!(!lines.iter().any(|line| line.starts_with("Bcc")), "{lines:?}");
}

#[tokio::test]
async fn a_refusal_says_whether_it_may_work_later() {
    for (answer, kind) in [("550 nobody here", NotifyErrorKind::Refused), ("451 later", NotifyErrorKind::Temporary)] {
        let (port, _lines) = server(Some(answer)).await;
        let error = notifier(port, "none").notifier.send(&notification()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}");
        assert!(error.chain().contains(&answer[4..]), "{}", error.chain());
    }
}

#[tokio::test]
async fn encryption_that_is_not_offered_is_not_left_out() {
    let (port, lines) = server(None).await;
    let error = notifier(port, "starttls").notifier.send(&notification()).await.unwrap_err();
    assert!(error.chain().contains("STARTTLS"), "{}", error.chain());
    assert!(!lines.await.unwrap().iter().any(|line| line.starts_with("MAIL")));
}

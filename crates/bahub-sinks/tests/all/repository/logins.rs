use bahub_core::sink::{Sink, SinkErrorKind, VersionNumber};
use bahub_testkit::backup_repository::{Fault, Operation, OperationsScope, Refusal, ScopedElement};
use serde_json::json;

use super::{armoured, assert_no_secret, server, with, with_login};
use crate::support::{fetch, new_version, store};

fn scope(role: &str) -> Option<OperationsScope> {
    Some(OperationsScope { elements: vec![ScopedElement::collection("shop", &[role])] })
}

#[tokio::test]
async fn one_narrow_token_serves_until_the_sink_is_closed_and_is_revoked_then() {
    let server = server().await;
    let sink = with_login(&server);
    for _ in 0..2 {
        let receipt = store(&sink, &armoured(1000)).await.unwrap();
        sink.list().await.unwrap();
        fetch(&sink, receipt.version).await.unwrap();
        sink.open(VersionNumber(99)).await.unwrap_err();
        let (list, again) = tokio::join!(sink.list(), sink.list());
        assert_eq!(list.unwrap(), again.unwrap());
        sink.close().await.unwrap();
        assert!(server.active_sessions().is_empty());
    }
    let scopes: Vec<_> = server.logins().into_iter().map(|login| login.operations_scope).collect();
    let once = [scope("backupUploader"), scope("backupDownloader")];
    assert_eq!(scopes, [once.clone(), once].concat());
}

#[tokio::test]
async fn tokens_are_revoked_after_failures_and_by_dropping_the_sink_and_what_it_gave() {
    let server = server().await;
    let sink = with_login(&server);
    server.misbehave(Fault::accept_without_registering());
    store(&sink, &armoured(10)).await.unwrap_err();
    sink.close().await.unwrap();
    assert!(server.active_sessions().is_empty());
    let upload = sink.begin(&new_version()).await.unwrap();
    let version = VersionNumber(server.put_version("shop", &armoured(1 << 20)));
    let download = sink.open(version).await.unwrap();
    drop(sink);
    assert_eq!(server.active_sessions().len(), 2, "an upload and a download go on");
    drop((upload, download));
    server.until(|server| server.active_sessions().is_empty()).await;
}

#[tokio::test]
async fn a_wrong_password_is_reported_without_showing_it() {
    let server = server().await;
    let sink = with(&server, json!({"username": "backups", "password": "wronghunter2"}), json!({}));
    let error = sink.list().await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Unauthorized);
    assert!(error.to_string().contains("incorrect Username or Password"), "{error}");
    assert!(error.help().is_some());
    assert_no_secret(&error);
    assert!(!format!("{sink:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_login_that_meets_the_rate_limit_is_tried_again() {
    let server = server().await;
    server.misbehave(Fault::refuse(Refusal::TooManyRequests).on(Operation::Login).times(2));
    with_login(&server).list().await.unwrap();
}

#[tokio::test]
async fn a_failed_revocation_is_reported_and_fails_nothing_else() {
    let server = server().await;
    server.misbehave(Fault::refuse(Refusal::ServerError).on(Operation::Logout));
    let sink = with_login(&server);
    store(&sink, &armoured(10)).await.unwrap();
    assert!(sink.close().await.unwrap_err().to_string().contains("revoke"));
    sink.list().await.unwrap();
}

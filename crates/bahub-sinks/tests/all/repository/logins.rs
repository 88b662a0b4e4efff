use bahub_core::sink::{Sink, SinkErrorKind, VersionNumber};
use bahub_testkit::backup_repository::{Fault, Operation, OperationsScope, Refusal, ScopedElement};
use serde_json::json;

use super::{armoured, assert_no_secret, server, with, with_login};
use crate::support::{fetch, new_version, store};

fn scope(role: &str) -> Option<OperationsScope> {
    Some(OperationsScope { elements: vec![ScopedElement::collection("shop", &[role])] })
}

#[tokio::test]
async fn every_operation_has_a_token_of_its_own_that_is_narrow_and_revoked() {
    let server = server().await;
    let sink = with_login(&server);
    let receipt = store(&sink, &armoured(1000)).await.unwrap();
    fetch(&sink, receipt.version).await.unwrap();
    sink.list().await.unwrap();
    let scopes: Vec<_> = server.logins().into_iter().map(|login| login.operations_scope).collect();
    assert_eq!(scopes, [scope("backupUploader"), scope("backupDownloader"), scope("backupDownloader")]);
    assert!(server.active_sessions().is_empty());
}

#[tokio::test]
async fn tokens_are_revoked_after_failures_aborts_and_drops_too() {
    let server = server().await;
    let sink = with_login(&server);
    sink.begin(&new_version()).await.unwrap().abort().await.unwrap();
    assert!(server.active_sessions().is_empty());
    drop(sink.begin(&new_version()).await.unwrap());
    server.until(|server| server.active_sessions().is_empty()).await;
    server.misbehave(Fault::accept_without_registering());
    store(&sink, &armoured(10)).await.unwrap_err();
    assert!(server.active_sessions().is_empty());
    sink.open(VersionNumber(9)).await.unwrap_err();
    assert!(server.active_sessions().is_empty());
    let version = VersionNumber(server.put_version("shop", &armoured(1 << 20)));
    drop(sink.open(version).await.unwrap());
    server.until(|server| server.active_sessions().is_empty()).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_without_saying_it() {
    let server = server().await;
    let sink = with(&server, json!({"username": "backups", "password": "wronghunter2"}), json!({}));
    let error = sink.list().await.unwrap_err();
    assert_eq!(*error.kind(), SinkErrorKind::Unauthorized);
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
async fn a_failed_revocation_fails_nothing_else() {
    let server = server().await;
    server.misbehave(Fault::refuse(Refusal::ServerError).on(Operation::Logout));
    store(&with_login(&server), &armoured(10)).await.unwrap();
}

use bahub_core::registry::{Component, SpecError};
use bahub_core::sink::{Sink, SinkErrorKind};
use bahub_sinks::repository::Repository;
use bahub_testkit::backup_repository::{Fault, Operation, Refusal};
use serde_json::{Value, json};

use super::{armoured, assert_no_secret, server, with};
use crate::support::{context, store};

#[tokio::test]
async fn a_token_that_the_server_repeats_is_scrubbed() {
    let server = server().await;
    server.add_token("backups", "incorrect-token");
    let sink = with(&server, json!({"token": "signature"}), json!({}));
    let error = sink.list().await.unwrap_err();
    assert!(error.to_string().contains("401 [redacted] is invalid"), "{error}");
}

#[tokio::test]
async fn a_bad_token_fails_before_anything_is_produced() {
    let server = server().await;
    let sink = with(&server, json!({"token": "eyJnope"}), json!({}));
    let error = sink.begin(&crate::support::new_version()).await.err().unwrap();
    assert_eq!(error.kind(), SinkErrorKind::Unauthorized);
    assert_no_secret(&error);
}

#[tokio::test]
async fn an_upload_that_cannot_be_confirmed_by_listing_is_unknown() {
    let server = server().await;
    let sink = super::with_token(&server, json!({}));
    server.misbehave(Fault::refuse(Refusal::Forbidden).on(Operation::List).always());
    let outcome = store(&sink, &armoured(10)).await;
    assert!(matches!(outcome, Err(bahub_core::sink::CommitError::Unknown(_))), "{outcome:?}");
}

fn errors(config: Value) -> Vec<SpecError> {
    Repository::from_config(serde_json::from_value(config).unwrap(), &context("shop")).unwrap_err()
}

#[test]
fn all_configuration_errors_are_reported_at_once_and_without_secrets() {
    let found = errors(json!({"url": "https://u:hunter2@h", "token": "t", "username": "u", "ca_file": "/none"}));
    let pointers: Vec<_> = found.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/url", "/token", "/ca_file"]);
    assert!(!format!("{found:?}").contains("hunter2"));
    assert_eq!(errors(json!({"url": "https://h"}))[0].message, "there is no token");
    assert_eq!(errors(json!({"url": "ftp://h", "token": "t"})).len(), 1);
}

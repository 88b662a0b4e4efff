use bahub_core::agent::DirectSink;
use bahub_core::registry::Component;
use bahub_core::sink::{Purpose, Sink, SinkErrorKind, VersionNumber};
use bahub_sinks::repository::{DirectRepository, Repository};
use serde_json::json;

use super::{armoured, server, with_login, with_token};
use crate::support::{fetch, new_version, store};

#[tokio::test]
async fn an_agent_uploads_and_downloads_with_what_it_is_granted_and_no_more() {
    let server = server().await;
    let sink = with_login(&server);
    let uploads = sink.delegate(Purpose::Upload(new_version())).await.unwrap().unwrap();
    assert!(uploads.loopback && uploads.kind == Repository::TYPE);
    assert!(!format!("{uploads:?}").contains("eyJ"));
    DirectRepository.reach(&uploads.endpoint).await.unwrap();
    let uploader = DirectRepository.open(&uploads).unwrap();
    let message = armoured(100_000);
    let version = store(&*uploader, &message).await.unwrap().version;
    assert_eq!(fetch(&*uploader, version).await.unwrap_err().kind(), SinkErrorKind::Forbidden);
    let downloads = sink.delegate(Purpose::Download(version)).await.unwrap().unwrap();
    assert_eq!(fetch(&*DirectRepository.open(&downloads).unwrap(), version).await.unwrap(), message);
    assert_eq!(server.active_sessions().len(), 2, "the agent revokes nothing");
    sink.close().await.unwrap();
    assert!(server.active_sessions().is_empty());
}

#[tokio::test]
async fn a_configured_token_is_granted_as_it_is_and_never_revoked() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let granted = sink.delegate(Purpose::Download(VersionNumber(1))).await.unwrap().unwrap();
    assert!(granted.grant.expose().contains("eyJ"));
    sink.close().await.unwrap();
    sink.list().await.unwrap();
}

#[tokio::test]
async fn reaching_sends_no_credential_and_fails_on_a_closed_port() {
    let server = server().await;
    let url = server.url();
    DirectRepository.reach(&url).await.unwrap();
    assert!(server.logins().is_empty());
    drop(server);
    let error = DirectRepository.reach(&url).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Unreachable);
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

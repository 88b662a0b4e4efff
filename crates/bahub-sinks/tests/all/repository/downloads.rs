use bahub_core::sink::{Sink, SinkErrorKind, VersionNumber};
use bahub_testkit::backup_repository::{BackupRepository, Fault, Listing, Operation, Refusal, Settings};
use serde_json::json;

use super::{armoured, prepare, server, with_token};
use crate::support::fetch;

#[tokio::test]
async fn a_download_that_ends_early_ends_in_an_error() {
    let server = server().await;
    let sink = with_token(&server, json!({"stall_timeout": 3}));
    let version = VersionNumber(server.put_version("shop", &armoured(1 << 20)));
    for (fault, kind) in [
        (Fault::truncate_download_after(0), SinkErrorKind::Unreachable),
        (Fault::truncate_download_after(1 << 19), SinkErrorKind::Unreachable),
        (Fault::truncate_download_after((1 << 20) - 1), SinkErrorKind::Unreachable),
        (Fault::reset_download_after(1 << 19), SinkErrorKind::Unreachable),
        (Fault::stall_download_after(1 << 19), SinkErrorKind::Stalled),
    ] {
        server.misbehave(fault.clone());
        let error = fetch(&sink, version).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
    }
    fetch(&sink, version).await.unwrap();
}

#[tokio::test]
async fn the_length_is_known_before_the_first_byte() {
    let server = server().await;
    let message = armoured(1000);
    let version = VersionNumber(server.put_version("shop", &message));
    let download = with_token(&server, json!({})).open(version).await.unwrap();
    assert_eq!(download.size, Some(message.len() as u64));
}

#[tokio::test]
async fn a_version_that_is_not_there_is_not_found() {
    let server = server().await;
    let error = with_token(&server, json!({})).open(VersionNumber(7)).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotFound);
    assert!(error.to_string().contains("v7"), "{error}");
}

#[tokio::test]
async fn versions_are_listed_under_either_path() {
    for listing in [Listing::Stable, Listing::Alpha] {
        let server = BackupRepository::start_with(Settings { listing, ..Settings::quick() }).await;
        prepare(&server);
        server.put_version("shop", b"one");
        server.put_version("shop", b"three");
        let versions = with_token(&server, json!({})).list().await.unwrap();
        let seen: Vec<_> = versions.iter().map(|version| (version.number.0, version.size)).collect();
        assert_eq!(seen, [(1, 3), (2, 5)]);
        assert!(versions[0].created.is_some());
    }
}

#[tokio::test]
async fn what_only_reads_is_tried_again() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let version = VersionNumber(server.put_version("shop", b"x"));
    for fault in [Fault::reset(), Fault::refuse(Refusal::ServerError), Fault::refuse(Refusal::TooManyRequests)] {
        server.misbehave(fault.clone().on(Operation::List));
        sink.list().await.unwrap();
        server.misbehave(fault.on(Operation::Download));
        fetch(&sink, version).await.unwrap();
    }
}

#[tokio::test]
async fn removing_is_left_to_the_server() {
    let server = server().await;
    let error = with_token(&server, json!({})).remove(VersionNumber(1)).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Refused);
    assert!(error.help().unwrap().contains("rotates by itself"));
}

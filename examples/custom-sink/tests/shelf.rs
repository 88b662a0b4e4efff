//! The sink passes bahub's conformance suite, and tests for what only its author knows.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use acme_shelf::Shelf;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::sink::{NewVersion, Sink, SinkErrorKind};
use bahub_testkit::conformance::{self, sink_claim};
use bytes::Bytes;
use serde_json::json;

fn shelf(url: &str, collection: &str) -> Result<Shelf, Vec<SpecError>> {
    let context = SinkContext::new(collection, "/");
    Shelf::from_config(serde_json::from_value(json!({ "url": url })).unwrap(), &context)
}

fn shelf_in(folder: &Path, collection: &str) -> Shelf {
    shelf(&format!("shelf://{}", folder.display()), collection).unwrap()
}

fn new_version() -> NewVersion {
    NewVersion::new(jiff::Timestamp::now(), "acme")
}

#[test]
fn what_is_registered_can_be_configured() {
    conformance::registration(acme_shelf::register).assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sink_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    // Every call returns an empty, otherwise unused collection.
    let fresh = async || {
        let collection = format!("shop-{}", count.fetch_add(1, Ordering::Relaxed));
        Arc::new(shelf_in(folder.path(), &collection)) as Arc<dyn Sink>
    };
    // This sink has no secrets; others pass theirs here.
    let report = conformance::sink(fresh, &[]).await;
    report.assert_conforms();
    assert_eq!(report.held(), sink_claim::ALL);
}

#[test]
fn a_url_and_a_collection_that_cannot_be_used_are_refused_together() {
    for url in ["shelf://srv/versions", "shelf:", "file:///srv"] {
        assert_eq!(shelf(url, "a/b").unwrap_err().len(), 2, "{url}");
    }
    assert!(shelf("shelf:///srv", ".hidden").is_err());
}

#[tokio::test]
async fn a_missing_folder_is_an_error_and_not_an_empty_collection() {
    let folder = tempfile::tempdir().unwrap();
    let missing = shelf_in(&folder.path().join("not mounted"), "shop");
    assert_eq!(missing.list().await.unwrap_err().kind(), SinkErrorKind::NotFound);
    assert_eq!(missing.begin(&new_version()).await.err().unwrap().kind(), SinkErrorKind::NotFound);
}

#[tokio::test]
async fn collections_with_similar_names_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let (shop, old) = (shelf_in(folder.path(), "shop"), shelf_in(folder.path(), "shop.000001"));
    let mut upload = old.begin(&new_version()).await.unwrap();
    upload.write(Bytes::from_static(b"message")).await.unwrap();
    upload.commit().await.unwrap();
    assert_eq!(shop.list().await.unwrap(), []);
    assert_eq!(old.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_version_that_is_cut_while_it_is_read_ends_in_an_error() {
    use futures::StreamExt;
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf_in(folder.path(), "shop");
    let mut upload = shelf.begin(&new_version()).await.unwrap();
    upload.write(vec![7; 1 << 20].into()).await.unwrap();
    let receipt = upload.commit().await.unwrap();
    let download = shelf.open(receipt.version).await.unwrap();
    fs::File::options().write(true).open(&receipt.location).unwrap().set_len(1000).unwrap();
    let chunks = download.stream.collect::<Vec<_>>().await;
    assert_eq!(chunks.last().unwrap().as_ref().unwrap_err().kind(), SinkErrorKind::Corrupt);
}

//! Honest sinks conform.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bahub_core::registry::{Component, SinkContext};
use bahub_core::sink::{Encoding, Sink};
use bahub_sinks::{repository::Repository, store::Directory};
use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};
use bahub_testkit::conformance::{self, sink_claim};
use bahub_testkit::fakes::MemorySink;

fn build<S: Sink + Component<Context = SinkContext>>(config: serde_json::Value, collection: &str) -> Arc<dyn Sink> {
    let context = SinkContext::new(collection, "/");
    Arc::new(S::from_config(serde_json::from_value(config).unwrap(), &context).unwrap())
}

#[tokio::test]
async fn the_sink_in_memory_conforms() {
    for encoding in [Encoding::Binary, Encoding::Armoured] {
        let fresh = async || Arc::new(MemorySink::new("shop").with_encoding(encoding)) as Arc<dyn Sink>;
        let report = conformance::sink(fresh, &["hunter22"]).await;
        report.assert_conforms();
        assert_eq!(report.held(), sink_claim::ALL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_store_conforms() {
    let root = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    let fresh = async || {
        let collection = format!("shop-{}", count.fetch_add(1, Ordering::Relaxed));
        build::<Directory>(serde_json::json!({ "url": format!("file://{}", root.path().display()) }), &collection)
    };
    conformance::sink(fresh, &["hunter22"]).await.assert_conforms();
}

const ROLES: &[Role] = &[Role::BackupUploader, Role::BackupDownloader, Role::CollectionManager];

#[tokio::test(flavor = "multi_thread")]
async fn the_repository_conforms_with_a_token() {
    let server = BackupRepository::start_with(Settings::quick()).await;
    server.add_user("backups", "hunter22", ROLES);
    let token = server.token_for("backups");
    let count = AtomicU32::new(0);
    let fresh = async || {
        let collection = format!("shop-{}", count.fetch_add(1, Ordering::Relaxed));
        server.add_collection(&collection, Limits::default());
        build::<Repository>(serde_json::json!({ "url": server.url(), "token": token }), &collection)
    };
    conformance::sink(fresh, &[&token]).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repository_conforms_with_a_login() {
    let settings = Settings { logins_per_minute: None, ..Settings::quick() };
    let server = BackupRepository::start_with(settings).await;
    server.add_user("backups", "hunter22", ROLES);
    let count = AtomicU32::new(0);
    let fresh = async || {
        let collection = format!("shop-{}", count.fetch_add(1, Ordering::Relaxed));
        server.add_collection(&collection, Limits::default());
        let config = serde_json::json!({ "url": server.url(), "username": "backups", "password": "hunter22" });
        build::<Repository>(config, &collection)
    };
    conformance::sink(fresh, &["hunter22"]).await.assert_conforms();
    server.until(|server| server.active_sessions().is_empty()).await;
}

//! The suites of the testkit.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bahub_core::adapter::Findings;
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use serde_json::json;
use tempfile::TempDir;

use super::support::{adapter, sql};
use super::whole::{MUSEUM, contents};

#[test]
fn the_sqlite_adapter_conforms() {
    let path = "/srv/it's \"$(false)/--app.db";
    for more in [json!({}), json!({ "check": false, "counts": "off" })] {
        let found = Findings([("owner and mode".to_owned(), "0:0 644".to_owned())].into());
        let context = AdapterContext { values: vec![path.into()], findings: vec![found], ..AdapterContext::default() };
        let report = conformance::adapter(&adapter(path.as_ref(), more), &context);
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ALL);
    }
}

struct Museum {
    folder: TempDir,
    before: OnceLock<String>,
}

impl Museum {
    fn database(&self) -> PathBuf {
        self.folder.path().join("--it's %41?#\"$(false) *.db ")
    }
}

#[async_trait]
impl LiveData for Museum {
    async fn prepare(&self) {
        sql(&self.database(), MUSEUM);
        self.before.set(contents(&self.database())).unwrap();
    }

    async fn wipe(&self) {
        std::fs::remove_file(self.database()).unwrap();
    }

    async fn compare(&self) -> Result<(), String> {
        if !self.database().exists() {
            return Err("the database is gone".into());
        }
        if self.before.get() == Some(&contents(&self.database())) { Ok(()) } else { Err("it differs".into()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_adapter_goes_there_and_back() {
    let museum = Museum { folder: tempfile::tempdir().unwrap(), before: OnceLock::new() };
    let adapter = Arc::new(adapter(&museum.database(), json!({})));
    let report = conformance::adapter_round_trip(adapter, &museum, &RoundTrip::default()).await;
    report.assert_conforms();
    // It has no secret.
    let claims = adapter_claim::ROUND_TRIP.into_iter().filter(|claim| *claim != adapter_claim::NO_SECRET_IN_PROC);
    assert_eq!(report.held(), claims.collect::<Vec<_>>());
}

//! Honest adapters conform.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bahub_adapters::filesystem::Filesystem;
use bahub_core::adapter::Findings;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use bahub_testkit::fakes::CopyFile;
use bahub_testkit::fixtures::{TreeSpec, assert_same_tree, tree};

fn filesystem(path: &Path) -> Filesystem {
    let config = serde_json::json!({ "paths": [path], "exclude": ["*.it's excluded"] });
    Filesystem::from_config(serde_json::from_value(config).unwrap(), &()).unwrap()
}

fn dialects() -> Vec<Findings> {
    ["tar (GNU tar) 1.34", "tar (busybox) 1.35.0", "bsdtar 3.6.2"]
        .map(|line| Findings([("tar".to_owned(), line.to_owned())].into()))
        .into()
}

#[test]
fn the_filesystem_adapter_conforms() {
    let values = vec!["/srv/it's here".to_owned(), "*.it's excluded".to_owned()];
    let context = AdapterContext { values, findings: dialects(), ..AdapterContext::default() };
    let report = conformance::adapter(&filesystem(Path::new("/srv/it's here")), &context);
    report.assert_conforms();
    assert_eq!(report.held(), adapter_claim::ALL);
}

/// A tree, and an untouched copy for comparison.
struct Tree {
    folder: tempfile::TempDir,
    target: ReplayTarget,
}

impl Tree {
    fn live(&self) -> PathBuf {
        self.folder.path().join("live")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }
}

#[async_trait]
impl LiveData for Tree {
    async fn prepare(&self) {
        tree(&self.live(), &TreeSpec::default());
        let copied = std::process::Command::new("cp").arg("-a").args([self.live(), self.copy()]).status();
        assert!(copied.unwrap().success());
    }

    async fn wipe(&self) {
        std::fs::remove_dir_all(self.live()).unwrap();
    }

    async fn compare(&self) -> Result<(), String> {
        let (live, copy) = (self.live(), self.copy());
        if !live.exists() {
            return Err("the tree is gone".into());
        }
        std::panic::catch_unwind(|| assert_same_tree(&copy, &live))
            .map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
    }

    fn target(&self) -> ReplayTarget {
        self.target.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filesystem_adapter_goes_there_and_back() {
    let data = Tree { folder: tempfile::tempdir().unwrap(), target: ReplayTarget::default() };
    let adapter = Arc::new(filesystem(&data.live()));
    conformance::adapter_round_trip(adapter, &data, &RoundTrip::default()).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filesystem_adapter_goes_there_and_back_into_a_directory() {
    let target = ReplayTarget::at(RestoreTarget::Directory("/".into()));
    let data = Tree { folder: tempfile::tempdir().unwrap(), target };
    let adapter = Arc::new(filesystem(&data.live()));
    conformance::adapter_round_trip(adapter, &data, &RoundTrip::default()).await.assert_conforms();
}

/// One file.
pub(crate) struct OneFile(pub(crate) PathBuf);

#[async_trait]
impl LiveData for OneFile {
    async fn prepare(&self) {
        std::fs::write(&self.0, "content".repeat(10_000)).unwrap();
    }

    async fn wipe(&self) {
        std::fs::remove_file(&self.0).unwrap();
    }

    async fn compare(&self) -> Result<(), String> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) if text == "content".repeat(10_000) => Ok(()),
            other => Err(format!("the file is {:?}", other.map(|text| text.len()))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_adapter_conforms_and_goes_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = OneFile(folder.path().join("it's a file"));
    let adapter = CopyFile::new(&data.0, "hunter22");
    let secrets = vec!["hunter22".to_owned()];
    let context = AdapterContext { secrets: secrets.clone(), ..AdapterContext::default() };
    conformance::adapter(&adapter, &context).assert_conforms();
    let how = RoundTrip { secrets, ..RoundTrip::default() };
    let report = conformance::adapter_round_trip(Arc::new(adapter), &data, &how).await;
    report.assert_conforms();
    assert_eq!(report.held(), adapter_claim::ROUND_TRIP);
}

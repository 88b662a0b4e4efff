//! Versions that a retention does not keep go after a commit, and nothing else does.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::engine::{BackupOptions, PruneOptions, RunControl, RunErrorKind};
use bahub_core::exit::ExitCode;
use bahub_core::report::Outcome;
use bahub_core::retention::Retention;
use bahub_core::sink::{
    Download, Encoding, NewVersion, Sink, SinkCapability, SinkError, SinkErrorKind, Upload, Version, VersionNumber,
};
use bahub_testkit::fakes::MemorySink;

use super::support::Scene;

/// What a store does when it is asked to remove a version.
#[derive(Debug, Clone, Copy)]
enum Removal {
    /// It refuses, as for an object that is locked.
    Refuses(SinkErrorKind),
    /// It says that it did.
    Lies,
}

/// A store that removes nothing.
#[derive(Debug)]
struct Keeps(MemorySink, Removal);

#[async_trait]
impl Sink for Keeps {
    fn identity(&self) -> String {
        self.0.identity()
    }

    fn encoding(&self) -> Encoding {
        self.0.encoding()
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        self.0.capabilities()
    }

    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        self.0.begin(version).await
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        self.0.open(version).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        self.0.list().await
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        match self.1 {
            Removal::Refuses(kind) => Err(SinkError::new(kind, format!("{version} is not removed"))),
            Removal::Lies => Ok(()),
        }
    }
}

fn keep(last: u32) -> Retention {
    let mut retention = Retention::default();
    retention.last = last;
    retention
}

async fn numbers(sink: &dyn Sink) -> Vec<u64> {
    sink.list().await.expect("a store in memory answers").into_iter().map(|version| version.number.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_removes_what_is_not_kept_and_a_run_that_fails_removes_nothing() {
    let scene = Scene::new();
    let mut plan = scene.plan.clone();
    for _ in 0..3 {
        scene.room.backup(&plan).await.into_result().unwrap();
    }
    plan.retention = Some(keep(2));
    let dry = scene.room.engine().prune(&plan, &PruneOptions::default().dry_run(true)).await;
    let pruned = dry.into_result().unwrap().pruned.unwrap();
    assert_eq!((pruned.removed.len(), pruned.kept.len(), pruned.dry_run), (1, 2, true));
    assert_eq!(numbers(&scene.sink).await, [1, 2, 3]);
    // Nothing goes where no version came.
    let control = RunControl::default();
    control.cancel();
    let cancelled = scene.room.engine().backup(&plan, &BackupOptions::default().controlled_by(&control)).await;
    assert_eq!(cancelled.exit(false), ExitCode::Cancelled);
    assert_eq!(numbers(&scene.sink).await, [1, 2, 3]);
    let report = scene.room.backup(&plan).await.into_result().unwrap();
    assert_eq!(report.pruned.unwrap().removed, [VersionNumber(1), VersionNumber(2)]);
    assert_eq!(numbers(&scene.sink).await, [3, 4]);
    let report = scene.room.engine().prune(&plan, &PruneOptions::default()).await.into_result().unwrap();
    assert_eq!((report.outcome, report.pruned.unwrap().removed.len()), (Outcome::Succeeded, 0));
    plan.retention = None;
    let outcome = scene.room.engine().prune(&plan, &PruneOptions::default()).await;
    assert_eq!(outcome.error.unwrap().kind(), RunErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_could_not_bring_something_back_removes_nothing() {
    let scene = Scene::with_panic(Some("close"));
    let mut plan = scene.plan.clone();
    plan.retention = Some(keep(1));
    for _ in 0..2 {
        assert_ne!(scene.room.backup(&plan).await.exit(false), ExitCode::Ok);
    }
    assert_eq!(numbers(&scene.sink).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_keeps_is_told_and_no_backup_fails_by_it() {
    for (removal, words) in [
        (Removal::Refuses(SinkErrorKind::Forbidden), "2 of 2 old versions stay in the store: v1 is not removed"),
        (Removal::Refuses(SinkErrorKind::Unreachable), "old versions were not removed: v1 is not removed"),
        (Removal::Lies, "2 of 2 old versions stay in the store: the store says that it was removed, and lists it"),
    ] {
        let scene = Scene::new();
        let mut plan = scene.plan.clone();
        plan.sink = Arc::new(Keeps(scene.sink.clone(), removal));
        for _ in 0..2 {
            scene.room.backup(&plan).await.into_result().unwrap();
        }
        plan.retention = Some(keep(1));
        let report = scene.room.backup(&plan).await.into_result().unwrap();
        assert_eq!((report.version, report.outcome), (Some(VersionNumber(3)), Outcome::SucceededWithWarnings));
        assert!(report.warnings.iter().any(|warning| warning.starts_with(words)), "{removal:?}: {:?}", report.warnings);
        // By itself it is a failure: nothing of what was asked for was done.
        let outcome = scene.room.engine().prune(&plan, &PruneOptions::default()).await;
        assert_eq!(outcome.exit(false), ExitCode::Store, "{removal:?}: {:?}", outcome.error);
        assert_eq!(numbers(&scene.sink).await, [1, 2, 3]);
    }
}

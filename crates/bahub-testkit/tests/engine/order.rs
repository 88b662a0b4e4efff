//! A workload is down only while it is read, and only if its own data is available.

use std::sync::Arc;

use bahub_core::engine::RestoreOptions;
use bahub_core::exit::ExitCode;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::sink::Sink;
use bahub_testkit::fakes::{FakeWorkload, MemorySink, WorkloadTransport};
use bahub_testkit::fixtures::EngineRoom;

use super::support::{PATIENCE, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_does_not_keep_the_workload_down() {
    let scene = Scene::new();
    scene.sink.hold();
    let backup = scene.room.backup(&scene.plan);
    tokio::pin!(backup);
    let came_back = async {
        loop {
            tokio::select! {
                outcome = &mut backup => panic!("the store takes nothing, and the run ended: {:?}", outcome.error),
                () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {}
            }
            if scene.workload.history() == ["stopped", "started"] {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, came_back).await.expect("the workload waits for the store");
    assert!(scene.sink.list().await.unwrap().is_empty());
    scene.workload.note("released");
    scene.sink.release();
    let report = backup.await.into_result().unwrap();
    assert!(report.downtime_seconds.is_some_and(|seconds| seconds < report.seconds), "{report:?}");
    assert_eq!(scene.workload.history(), ["stopped", "started", "released"]);
}

/// An adapter for a file that also names the file's folder.
#[derive(Debug)]
struct Named(bahub_testkit::fakes::CopyFile, String);

impl bahub_core::adapter::Adapter for Named {
    fn capabilities(&self) -> &'static [bahub_core::adapter::AdapterCapability] {
        self.0.capabilities()
    }

    fn required_paths(&self) -> Vec<String> {
        vec![self.1.clone()]
    }

    fn preflight(&self, purpose: bahub_core::run::RunPurpose) -> Vec<bahub_core::adapter::Probe> {
        self.0.preflight(purpose)
    }

    fn capture(
        &self,
        found: &bahub_core::adapter::Findings,
    ) -> Result<bahub_core::capture::Capture, bahub_core::replay::Unsupported> {
        self.0.capture(found)
    }

    fn replay(
        &self,
        target: &ReplayTarget,
        found: &bahub_core::adapter::Findings,
        stored: &bahub_core::replay::Stored,
    ) -> Result<bahub_core::replay::Replay, bahub_core::replay::Unsupported> {
        self.0.replay(target, found, stored)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_the_instances_own_is_refused_before_anything_is_stopped() {
    let workload = FakeWorkload::default();
    let transport = WorkloadTransport::new(&workload).with_foreign("/foreign");
    let room = EngineRoom::new().with_transport(Arc::new(transport));
    let file = || bahub_testkit::fakes::CopyFile::new("/etc/passwd", "");
    let sink = MemorySink::shared("order");
    let plan = room.plan(Arc::new(Named(file(), "/foreign/data".into())), Arc::clone(&sink));
    let outcome = room.backup(&plan).await;
    assert_eq!(outcome.exit(false), ExitCode::Preflight);
    let error = outcome.error.unwrap();
    assert!(error.to_string().starts_with("/foreign/data is another workload's"), "{error}");
    assert!(workload.history().is_empty(), "it was stopped for nothing");
    assert!(sink.list().await.unwrap().is_empty());

    let own = room.plan(Arc::new(Named(file(), "/etc/passwd".into())), Arc::clone(&sink));
    room.backup(&own).await.into_result().unwrap();
    // A folder that a restore would write into counts as well.
    let elsewhere = ReplayTarget::at(RestoreTarget::Directory("/foreign/look".into()));
    let outcome = room.restore(&own, &RestoreOptions::default().to(elsewhere)).await;
    assert_eq!(outcome.exit(false), ExitCode::Preflight, "{:?}", outcome.error);
}

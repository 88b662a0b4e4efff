//! However a run ends, nothing stays down and nothing becomes visible by accident.

use bahub_core::engine::{BackupOptions, RestoreOptions, RunControl, RunErrorKind};
use bahub_core::event::Phase;
use bahub_core::exit::ExitCode;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::RunContext;
use bahub_core::sink::Sink;
use bahub_core::transport::{
    Exec, PlacedPath, Process, PutFile, Session, Transport, TransportError, TransportErrorKind,
};
use bahub_testkit::fakes::HereTransport;

use super::support::{PATIENCE, Scene, Seen, Watcher};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_dropped_at_any_phase_leaves_nothing_down_and_no_version() {
    for dropped_at in [Phase::Opening, Phase::Checking, Phase::Quiescing, Phase::Capturing, Phase::Resuming] {
        let scene = Scene::new();
        let (watcher, mut seen) = Watcher::new();
        let engine = scene.room.engine().clone().observed_by(watcher);
        // Captured data cannot be stored, so that the run is still in progress when the phase is seen.
        scene.sink.hold();
        let plan = scene.plan.clone();
        let backup = tokio::spawn(async move { engine.backup(&plan, &BackupOptions::default()).await });
        let reached = async { while !matches!(seen.recv().await, Some(Seen::Phase(phase)) if phase == dropped_at) {} };
        tokio::time::timeout(PATIENCE, reached).await.expect("the phase is reached");

        backup.abort();

        let record = async {
            loop {
                if let Some(Seen::Finished(record)) = seen.recv().await {
                    return record;
                }
            }
        };
        let record = tokio::time::timeout(PATIENCE, record).await.expect("the run ends by itself");
        assert_eq!(record.exit_code, ExitCode::Cancelled.code(), "{dropped_at}: {:?}", record.error);
        assert!(scene.workload.is_up(), "dropped at {dropped_at}, the workload stays down");
        scene.sink.release();
        assert!(scene.sink.list().await.unwrap().is_empty(), "dropped at {dropped_at}, there is a version");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_limit_around_a_backup_leaves_nothing_down() {
    let scene = Scene::new();
    scene.sink.hold();
    let engine = scene.room.engine();
    let limited = tokio::time::timeout(std::time::Duration::from_millis(1500), async {
        engine.backup(&scene.plan, &BackupOptions::default()).await.into_result().map(drop)
    });
    assert!(limited.await.is_err(), "the store takes nothing");
    engine.idle().await;
    assert_eq!(scene.workload.history(), ["stopped", "started"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_waits_for_nothing_but_the_undoing() {
    let scene = Scene::new();
    scene.sink.hold();
    let control = RunControl::default();
    let (watcher, mut seen) = Watcher::new();
    let engine = scene.room.engine().clone().observed_by(watcher);
    let (plan, options) = (scene.plan.clone(), BackupOptions::default().controlled_by(&control));
    let backup = tokio::spawn(async move { engine.backup(&plan, &options).await });
    let reached = async { while !matches!(seen.recv().await, Some(Seen::Phase(Phase::Capturing))) {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("the phase is reached");
    control.abort();
    let outcome = tokio::time::timeout(PATIENCE, backup).await.expect("it ends").unwrap();
    assert_eq!(outcome.error.unwrap().kind(), RunErrorKind::Cancelled);
    assert!(scene.workload.is_up());
}

/// Is cancelled while it opens, or opens and takes its time to close.
#[derive(Debug)]
struct Cancelled {
    control: RunControl,
    opens: bool,
}

/// How long it takes to close.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(1);

#[async_trait::async_trait]
impl Transport for Cancelled {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        self.control.cancel();
        if self.opens {
            return Ok(Box::new(SlowToClose(HereTransport.open(cx).await?)));
        }
        // As a side pod's, which looks for the end of the run itself while it waits.
        Err(TransportError::new(TransportErrorKind::Cancelled, "the run was cancelled"))
    }
}

struct SlowToClose(Box<dyn Session>);

#[async_trait::async_trait]
impl Session for SlowToClose {
    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        self.0.exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.0.put(file).await
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        self.0.identity().await
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        self.0.coverage(paths).await
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        tokio::time::sleep(CLOSING).await;
        self.0.close().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_says_so_wherever_it_was_and_however_long_its_end_takes() {
    for opens in [false, true] {
        let scene = Scene::new();
        let control = RunControl::default();
        let mut plan = scene.plan.clone();
        plan.transport = std::sync::Arc::new(Cancelled { control: control.clone(), opens });
        plan.timeout = Some(CLOSING / 2);
        let options = BackupOptions::default().controlled_by(&control);
        let outcome = scene.room.engine().backup(&plan, &options).await;
        assert_eq!(outcome.exit(false), ExitCode::Cancelled, "{:?}", outcome.error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_at_any_step_is_an_error_with_its_code_and_leaves_nothing_down() {
    for call in ["open", "identity", "quiesce", "verify_quiesced", "resume"] {
        let scene = Scene::with_panic(Some(call));
        let outcome = scene.room.backup(&scene.plan).await;
        let error = outcome.error.as_ref().unwrap_or_else(|| panic!("{call} panicked, and nothing was said"));
        assert_eq!(outcome.exit(false), ExitCode::Internal, "{call}: {}", error.chain());
        assert!(error.to_string().contains(call) && error.help().is_some(), "{error}");
        assert!(scene.workload.is_up(), "a panic in {call} leaves the workload down");
        assert!(scene.sink.list().await.unwrap().is_empty(), "a panic in {call} leaves a version");
    }
    let scene = Scene::with_panic(Some("close"));
    let outcome = scene.room.backup(&scene.plan).await;
    assert_eq!(outcome.exit(false), ExitCode::Undo, "what a close did not do is not known to be done");
    assert!(scene.workload.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_panics_leaves_nothing_down() {
    let made = Scene::new();
    made.room.backup(&made.plan).await.into_result().unwrap();
    for call in ["quiesce", "verify_quiesced"] {
        let scene = Scene::with_panic(Some(call));
        let mut plan = scene.plan.clone();
        (plan.sink, plan.encryption) = (made.plan.sink.clone(), made.plan.encryption.clone());
        let outcome = scene.room.restore(&plan, &RestoreOptions::default()).await;
        assert_eq!(outcome.exit(false), ExitCode::Internal, "{call}: {:?}", outcome.error);
        assert!(scene.workload.is_up(), "a panic in {call} leaves the workload down");
    }
}

/// A store that panics on a write.
#[derive(Debug)]
struct Breaks(bahub_testkit::fakes::MemorySink);

#[async_trait::async_trait]
impl Sink for Breaks {
    fn identity(&self) -> String {
        self.0.identity()
    }

    fn encoding(&self) -> bahub_core::sink::Encoding {
        self.0.encoding()
    }

    fn capabilities(&self) -> &'static [bahub_core::sink::SinkCapability] {
        self.0.capabilities()
    }

    async fn begin(
        &self,
        version: &bahub_core::sink::NewVersion,
    ) -> Result<Box<dyn bahub_core::sink::Upload>, bahub_core::sink::SinkError> {
        Ok(Box::new(BreaksUpload(self.0.begin(version).await?)))
    }

    async fn open(
        &self,
        version: bahub_core::sink::VersionNumber,
    ) -> Result<bahub_core::sink::Download, bahub_core::sink::SinkError> {
        self.0.open(version).await
    }

    async fn list(&self) -> Result<Vec<bahub_core::sink::Version>, bahub_core::sink::SinkError> {
        self.0.list().await
    }

    async fn remove(&self, version: bahub_core::sink::VersionNumber) -> Result<(), bahub_core::sink::SinkError> {
        self.0.remove(version).await
    }
}

struct BreaksUpload(Box<dyn bahub_core::sink::Upload>);

#[async_trait::async_trait]
impl bahub_core::sink::Upload for BreaksUpload {
    async fn write(&mut self, chunk: bytes::Bytes) -> Result<(), bahub_core::sink::SinkError> {
        assert!(chunk.is_empty(), "a panic in write, on purpose");
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<bahub_core::sink::Receipt, bahub_core::sink::CommitError> {
        self.0.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<(), bahub_core::sink::SinkError> {
        self.0.abort().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_panics_hangs_nothing_and_leaves_nothing_down() {
    let scene = Scene::new();
    let sink = std::sync::Arc::new(Breaks(scene.sink.clone()));
    let mut plan = scene.plan.clone();
    plan.sink = sink;
    let outcome = tokio::time::timeout(PATIENCE, scene.room.backup(&plan)).await.expect("it ends");
    assert_eq!(outcome.exit(false), ExitCode::Internal, "{:?}", outcome.error);
    assert!(scene.workload.is_up());
    assert!(scene.sink.list().await.unwrap().is_empty());
}

/// Reads what never ends, once it has made this file.
#[derive(Debug)]
struct Endless(std::path::PathBuf);

impl bahub_core::adapter::Adapter for Endless {
    fn capabilities(&self) -> &'static [bahub_core::adapter::AdapterCapability] {
        &[]
    }

    fn preflight(&self, _purpose: bahub_core::run::RunPurpose) -> Vec<bahub_core::adapter::Probe> {
        Vec::new()
    }

    fn capture(
        &self,
        _found: &bahub_core::adapter::Findings,
    ) -> Result<bahub_core::capture::Capture, bahub_core::replay::Unsupported> {
        let endless = bahub_core::step::Step::new("sh").args(["-c", "touch \"$0\" && exec sleep 1000000"]);
        Ok(bahub_core::capture::Capture::of(endless.arg(self.0.as_os_str().as_encoded_bytes())))
    }

    fn replay(
        &self,
        _target: &bahub_core::replay::ReplayTarget,
        _found: &bahub_core::adapter::Findings,
        _stored: &bahub_core::replay::Stored,
    ) -> Result<bahub_core::replay::Replay, bahub_core::replay::Unsupported> {
        Err(bahub_core::replay::Unsupported { what: "there is no restore".into(), help: "{download the data}".into() })
    }
}

/// Dropping a runtime waits for its threads, and the thread of a capture waits for its programs.
#[test]
fn a_runtime_that_is_dropped_in_a_run_kills_its_programs() {
    let folder = tempfile::tempdir().unwrap();
    let (started, (ended, end)) = (folder.path().join("started"), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(async {
            let mut scene = Scene::new();
            scene.plan.adapter = std::sync::Arc::new(Endless(started.clone()));
            let engine = scene.room.engine().clone();
            let plan = scene.plan.clone();
            tokio::spawn(async move { engine.backup(&plan, &BackupOptions::default()).await });
            while !started.exists() {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        let _ = ended.send(());
    });
    end.recv_timeout(PATIENCE).expect("the runtime can be dropped");
}

//! An engine, a workload that it stops, and an observer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::event::{Event, Phase};
use bahub_core::instance::{Coverage, Identity};
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use bahub_core::plan::Plan;
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, Locality, PlacedPath, Process, PutFile, Session, Transport, TransportError};
use bahub_testkit::fakes::{CopyFile, FakeWorkload, MemorySink, WorkloadTransport};
use bahub_testkit::fixtures::EngineRoom;
use tokio::sync::mpsc;

/// No test waits longer for an expected event.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A plan that backs up a small file, and its engine.
pub(crate) fn plan() -> (EngineRoom, Plan) {
    let room = EngineRoom::new();
    let plan = room.plan(Arc::new(CopyFile::new("/etc/passwd", "")), MemorySink::shared("engine"));
    (room, plan)
}

/// A workload with a file, the store of its versions, and the engine and plan that stop it.
pub(crate) struct Scene {
    pub(crate) room: EngineRoom,
    pub(crate) workload: FakeWorkload,
    pub(crate) sink: MemorySink,
    pub(crate) plan: Plan,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with_panic(None)
    }

    /// One whose transport panics in this call.
    pub(crate) fn with_panic(panics_in: Option<&'static str>) -> Self {
        let workload = FakeWorkload::default();
        let transport = Panicking { honest: WorkloadTransport::new(&workload), panics_in };
        let room = EngineRoom::new().with_transport(Arc::new(transport));
        let sink = MemorySink::new("engine");
        let plan = room.plan(Arc::new(CopyFile::new("/etc/passwd", "")), Arc::new(sink.clone()));
        Self { room, workload, sink, plan }
    }
}

/// What an observer saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Phase(Phase),
    Finished(Box<RunRecord>),
}

/// Passes phases and the end on.
pub(crate) struct Watcher(mpsc::UnboundedSender<Seen>);

impl Watcher {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Seen>) {
        let (sender, seen) = mpsc::unbounded_channel();
        (Self(sender), seen)
    }
}

impl Observer for Watcher {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        if let Event::Phase { phase } = event {
            let _ = self.0.send(Seen::Phase(*phase));
        }
    }

    fn finished(&mut self, record: &RunRecord) {
        let _ = self.0.send(Seen::Finished(Box::new(record.clone())));
    }
}

/// Records everything that an observer receives, as text.
#[derive(Clone, Default)]
pub(crate) struct Everything(Arc<Mutex<String>>);

impl Everything {
    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("no observer panics with it").clone()
    }
}

impl Observer for Everything {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        *self.0.lock().expect("no observer panics with it") += &format!("{event:?}\n");
    }

    fn finished(&mut self, record: &RunRecord) {
        *self.0.lock().expect("no observer panics with it") +=
            &serde_json::to_string(record).expect("a record is JSON");
    }
}

/// A transport that panics in one call of its session.
#[derive(Debug)]
struct Panicking {
    honest: WorkloadTransport,
    panics_in: Option<&'static str>,
}

#[async_trait]
impl Transport for Panicking {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let honest = self.honest.open(cx).await?;
        let session = PanickingSession { honest, panics_in: self.panics_in };
        session.here("open");
        Ok(Box::new(session))
    }
}

struct PanickingSession {
    honest: Box<dyn Session>,
    panics_in: Option<&'static str>,
}

impl PanickingSession {
    fn here(&self, call: &str) {
        assert!(self.panics_in != Some(call), "a panic in {call}, on purpose");
    }
}

#[async_trait]
impl Session for PanickingSession {
    fn locality(&self) -> Locality {
        self.honest.locality()
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        self.here("identity");
        self.honest.identity().await
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        self.honest.coverage(paths).await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        self.honest.exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.honest.put(file).await
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        self.honest.quiesce().await?;
        self.here("quiesce");
        Ok(())
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        self.here("verify_quiesced");
        self.honest.verify_quiesced().await
    }

    async fn resume(&mut self) -> Result<(), TransportError> {
        self.here("resume");
        self.honest.resume().await
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        self.here("close");
        self.honest.close().await
    }
}

//! A transport to this host that has a workload to stop, and a folder that does not belong to the workload.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity, InstanceKind};
use bahub_core::run::{Downtime, RunContext, UndoStack};
use bahub_core::transport::{
    Exec, Locality, PlacedPath, Process, PutFile, Session, Transport, TransportError, TransportErrorKind,
};

use super::HereTransport;

/// A simulated program: it only has a state, running or not, and a count of starts.
#[derive(Debug, Clone, Default)]
pub struct FakeWorkload(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    is_down: bool,
    starts: u64,
    /// What happened, in order.
    history: Vec<&'static str>,
}

impl FakeWorkload {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        !self.lock().is_down
    }

    /// Starts it, regardless of who stopped it.
    pub fn start(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_down, false) {
            state.starts += 1;
            state.history.push("started");
        }
    }

    /// Stops it.
    pub fn stop(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.is_down, true) {
            state.history.push("stopped");
        }
    }

    /// Records an event besides its own starts and stops, to compare the order.
    pub fn note(&self, what: &'static str) {
        self.lock().history.push(what);
    }

    /// Its starts and stops, and recorded events, in order.
    pub fn history(&self) -> Vec<&'static str> {
        self.lock().history.clone()
    }

    pub(super) fn starts(&self) -> u64 {
        self.lock().starts
    }
}

/// A [`HereTransport`] that stops a [`FakeWorkload`], and treats files below one folder as foreign.
#[derive(Debug, Clone, Default)]
pub struct WorkloadTransport {
    workload: FakeWorkload,
    foreign: Option<String>,
}

impl WorkloadTransport {
    /// A transport beside this workload.
    pub fn new(workload: &FakeWorkload) -> Self {
        Self { workload: workload.clone(), foreign: None }
    }

    /// Treats a folder, and everything below it, as foreign.
    #[must_use]
    pub fn with_foreign(self, folder: impl Into<String>) -> Self {
        Self { foreign: Some(folder.into()), ..self }
    }
}

#[async_trait]
impl Transport for WorkloadTransport {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let honest = HereTransport.open(cx).await?;
        let (downtime, undo) = (cx.downtime.clone(), cx.undo.clone());
        Ok(Box::new(WorkloadSession { honest, transport: self.clone(), downtime, undo, stopped: None }))
    }
}

struct WorkloadSession {
    honest: Box<dyn Session>,
    transport: WorkloadTransport,
    downtime: Downtime,
    undo: UndoStack,
    /// How often the workload had been started when it was stopped.
    stopped: Option<u64>,
}

#[async_trait]
impl Session for WorkloadSession {
    fn locality(&self) -> Locality {
        self.honest.locality()
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(Identity::new(InstanceKind::Other, "fake").with("id", "1"))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        let foreign = |path: &String| self.transport.foreign.as_ref().is_some_and(|folder| path.starts_with(folder));
        let not_own = || Coverage::NotOwn {
            reason: "is another workload's".into(),
            help: "name a path of the workload itself".into(),
        };
        Ok(paths.iter().map(|path| if foreign(path) { not_own() } else { Coverage::Own }).collect())
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        self.honest.exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.honest.put(file).await
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        let (workload, downtime) = (self.transport.workload.clone(), self.downtime.clone());
        self.undo.defer("start the fake workload", async move {
            workload.start();
            downtime.end();
            Ok(())
        });
        self.downtime.begin();
        self.transport.workload.stop();
        self.stopped = Some(self.transport.workload.starts());
        Ok(())
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        let Some(starts) = self.stopped else { return Ok(()) };
        if self.transport.workload.is_up() || self.transport.workload.starts() != starts {
            let message = "somebody started the fake workload meanwhile";
            return Err(TransportError::new(TransportErrorKind::NotOwn, message));
        }
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), TransportError> {
        if self.stopped.take().is_some() {
            self.transport.workload.start();
            self.downtime.end();
        }
        Ok(())
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        self.resume().await?;
        self.honest.close().await
    }
}

//! An open session: a side container, and an original that it may stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError};
use bollard::Docker;

use super::super::beside::{Beside, end, remove};
use super::super::engine;
use super::data::Data;
use super::record::{Progress, Record};
use super::recover::must_be_free;
use super::watch::Watch;

pub(super) struct Side {
    pub(super) docker: Docker,
    pub(super) beside: Beside,
    pub(super) record: Record,
    pub(super) data: Data,
    pub(super) stop_timeout: Option<u32>,
    pub(super) wait_healthy: Duration,
    pub(super) cx: RunContext,
    /// From before the stop until the workload is back.
    pub(super) watch: Option<Watch>,
    pub(super) workload: Workload,
    /// Whether something has to be restarted, for the cleanup if this session is dropped.
    pub(super) is_down: Arc<AtomicBool>,
}

/// What the session did to the original and to `also_stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    Untouched,
    Stopped,
    Back,
}

#[async_trait]
impl Session for Side {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        self.beside.identity().await
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        self.beside.coverage(paths).await
    }

    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        self.beside.machine().await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let (docker, made, is_down) = (self.docker.clone(), self.beside.made(), Arc::clone(&self.is_down));
        // In case this session is dropped, even before the engine has answered. It stays if it is the record of what still has
        // to be restarted.
        self.cx.undo.defer("remove the side container", async move {
            if is_down.load(Ordering::Acquire) {
                return Ok(());
            }
            removed(&docker, &made.all()).await.map_err(|error| error.chain())
        });
        self.beside.exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.beside.put(file).await
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        // Each run creates its record before it looks for those of others.
        must_be_free(&self.docker, &self.record).await?;
        // If the state changed since the run began, someone did that on purpose: nothing was stopped, so nothing is restarted.
        self.record.must_be_unchanged(&self.docker, self.stop_timeout).await?;
        if self.record.before.is_empty() {
            return Ok(());
        }
        // First watch for containers that start from here on, then check those that already run.
        self.watch = Some(Watch::start(&self.docker).await?);
        self.data.must_have_no_writer(&self.docker, &self.record).await?;
        self.defer_bringing_back();
        self.is_down.store(true, Ordering::Release);
        self.workload = Workload::Stopped;
        if self.record.stops() {
            self.cx.downtime.begin();
        }
        bahub_core::fault_point("side.stopping");
        self.record.stop(&self.docker, self.stop_timeout).await?;
        bahub_core::fault_point("side.stopped");
        Ok(())
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        let Some(watch) = &self.watch else { return Ok(()) };
        self.record.must_be_down(&self.docker).await?;
        self.data.must_have_no_writer(&self.docker, &self.record).await?;
        watch.must_have_seen_no_other(&self.data, &self.record).await
    }

    /// The side container keeps running; its name records that nothing is left to restart.
    async fn resume(&mut self) -> Result<(), TransportError> {
        if self.workload != Workload::Stopped {
            return Ok(());
        }
        // The original is restarted even if this fails; then only the progress is lost if this process is killed.
        let returning = self.beside.rename(Progress::Returning.suffix()).await;
        bahub_core::fault_point("side.returning");
        let (docker, record) = (&self.docker, &self.record);
        insisting(docker, || async move { record.bring_back(docker, Progress::Held).await.map(drop) }).await?;
        bahub_core::fault_point("side.brought-back");
        self.came_back();
        let returned = self.beside.rename(Progress::Returned.suffix()).await;
        if let Err(error) = returning.and(returned) {
            self.cx.warn(format!("the record of stopped containers could not be cleared: {}", error.chain()));
        }
        bahub_core::fault_point("side.returned");
        Ok(())
    }

    /// The original is up before the side container, which is its record, is removed.
    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        bahub_core::fault_point("side.closing");
        match self.workload {
            Workload::Untouched => return self.beside.remove().await,
            Workload::Stopped => {
                let (docker, made, record) = (&self.docker, &self.beside.made().all(), &self.record);
                insisting(docker, || brought_back_and_removed(docker, made, record)).await?;
                self.came_back();
            }
            Workload::Back => {
                let (docker, made) = (&self.docker, &self.beside.made().all());
                insisting(docker, || removed(docker, made)).await?;
            }
        }
        bahub_core::fault_point("side.removed");
        let unhealthy = self.record.unhealthy(&self.docker, self.wait_healthy).await;
        unhealthy.iter().for_each(|sentence| self.cx.warn(sentence));
        Ok(())
    }
}

impl Side {
    /// In case this session is dropped, or the run is ended at once.
    fn defer_bringing_back(&self) {
        let (docker, record, made) = (self.docker.clone(), self.record.clone(), self.beside.made());
        let (is_down, downtime) = (Arc::clone(&self.is_down), self.cx.downtime.clone());
        self.cx.undo.defer("restart the stopped containers", async move {
            if !is_down.load(Ordering::Acquire) {
                return Ok(());
            }
            let made = made.all();
            let brought_back = insisting(&docker, || brought_back_and_removed(&docker, &made, &record)).await;
            brought_back.map_err(|error| error.chain())?;
            is_down.store(false, Ordering::Release);
            downtime.end();
            Ok(())
        });
    }

    fn came_back(&mut self) {
        self.workload = Workload::Back;
        self.watch = None;
        self.is_down.store(false, Ordering::Release);
        self.cx.downtime.end();
    }
}

/// How often a restart of what was stopped is tried: an engine that is restarting answers in a moment.
const TRIES: u32 = 5;

/// Retries a mandatory operation from its start if it fails.
async fn insisting<W>(docker: &Docker, work: impl Fn() -> W) -> Result<(), TransportError>
where
    W: Future<Output = Result<(), TransportError>>,
{
    for _ in 1..TRIES {
        if work().await.is_ok() {
            return Ok(());
        }
        engine::is_back(docker).await;
    }
    work().await
}

/// Ends what still works on the data of the originals, which must not start before that, and restarts them; then removes
/// their record.
async fn brought_back_and_removed(docker: &Docker, made: &[String], record: &Record) -> Result<(), TransportError> {
    end(docker, made).await?;
    record.bring_back(docker, Progress::Held).await?;
    bahub_core::fault_point("side.brought-back");
    removed(docker, made).await
}

async fn removed(docker: &Docker, made: &[String]) -> Result<(), TransportError> {
    for id in made {
        remove(docker, id).await?;
    }
    Ok(())
}

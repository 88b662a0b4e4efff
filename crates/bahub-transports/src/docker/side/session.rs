//! An open place: a side container, and an original that it may stop.

use std::time::Duration;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError};
use bollard::Docker;

use super::super::beside::{Beside, end, remove};
use super::super::engine;
use super::record::Record;
use super::recover::must_be_free;

pub(super) struct Side {
    pub(super) docker: Docker,
    pub(super) beside: Beside,
    pub(super) record: Record,
    pub(super) stop_timeout: Option<u32>,
    pub(super) wait_healthy: Duration,
    pub(super) cx: RunContext,
    pub(super) stopped: bool,
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
        self.beside.exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.beside.put(file).await
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        // Each run's record is there before it looks for those of others.
        must_be_free(&self.docker, &self.record).await?;
        // What is not as it was when the run began is somebody's wish: nothing was stopped, so nothing is brought back.
        self.record.must_be_unchanged(&self.docker, self.stop_timeout).await?;
        let (docker, record, made) = (self.docker.clone(), self.record.clone(), self.beside.made().to_vec());
        // Should this session be dropped: bringing back twice does no harm.
        self.cx.undo.defer("bring the stopped containers back", async move {
            let brought_back = insisting(&docker, &made, &record, Ends::Stays).await;
            brought_back.map_err(|error| error.chain())
        });
        self.stopped = true;
        bahub_core::fault_point("side.stopping");
        self.record.stop(&self.docker, self.stop_timeout).await?;
        bahub_core::fault_point("side.stopped");
        Ok(())
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        if self.stopped { self.record.must_be_down(&self.docker).await } else { Ok(()) }
    }

    /// The original is up before the side container, which is the record of that, goes.
    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        bahub_core::fault_point("side.closing");
        if !self.stopped {
            return self.beside.remove().await;
        }
        insisting(&self.docker, self.beside.made(), &self.record, Ends::Removed).await?;
        bahub_core::fault_point("side.removed");
        let unhealthy = self.record.unhealthy(&self.docker, self.wait_healthy).await;
        unhealthy.iter().for_each(|sentence| self.cx.warn(sentence));
        Ok(())
    }
}

/// How often it is tried to bring back what was stopped: an engine that is restarted answers in a moment.
const TRIES: u32 = 5;

/// What becomes of the side containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// They stay, as the record of what was stopped.
    Stays,
    /// They go, when all is back.
    Removed,
}

/// Brings back what was stopped, again and from the start where that fails.
async fn insisting(docker: &Docker, made: &[String], record: &Record, ends: Ends) -> Result<(), TransportError> {
    for _ in 1..TRIES {
        if brought_back(docker, made, record, ends).await.is_ok() {
            return Ok(());
        }
        engine::is_back(docker).await;
    }
    brought_back(docker, made, record, ends).await
}

/// Ends what still works on the data of the originals, which must not start over it, and brings these back.
async fn brought_back(docker: &Docker, made: &[String], record: &Record, ends: Ends) -> Result<(), TransportError> {
    end(docker, made).await?;
    record.bring_back(docker).await?;
    bahub_core::fault_point("side.brought-back");
    if ends == Ends::Removed {
        for id in made {
            remove(docker, id).await?;
        }
    }
    Ok(())
}

//! An open place: a side container, and an original that it may stop.

use std::time::Duration;

use async_trait::async_trait;
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError};
use bollard::Docker;

use super::super::beside::{Beside, end};
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
            engine::is_back(&docker).await;
            end(&docker, &made).await.map_err(|error| error.chain())?;
            record.bring_back(&docker).await.map(drop).map_err(|error| error.chain())
        });
        self.stopped = true;
        bahub_core::fault_point("side.stopping");
        self.record.stop(&self.docker, self.stop_timeout).await?;
        bahub_core::fault_point("side.stopped");
        Ok(())
    }

    /// The original is up before the side container, which is the record of that, goes.
    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        bahub_core::fault_point("side.closing");
        if self.stopped {
            engine::is_back(&self.docker).await;
        }
        // The original must not start over what still works on its data.
        self.beside.end().await?;
        if self.stopped {
            self.record.bring_back(&self.docker).await?;
            bahub_core::fault_point("side.brought-back");
            let unhealthy = self.record.unhealthy(&self.docker, self.wait_healthy).await;
            unhealthy.iter().for_each(|sentence| self.cx.warn(sentence));
        }
        self.beside.remove().await?;
        bahub_core::fault_point("side.removed");
        Ok(())
    }
}

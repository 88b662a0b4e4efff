//! This host, as a transport: the agent is served inside this process, so nothing is placed or started through it.

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity, InstanceKind};
use bahub_core::run::RunContext;
use bahub_core::transport::{
    Exec, Locality, PlacedPath, Process, PutFile, Session, Transport, TransportError, TransportErrorKind,
};

/// The host that the program runs on.
#[derive(Debug)]
pub(super) struct ThisHost;

#[async_trait]
impl Transport for ThisHost {
    async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(ThisHostSession))
    }

    fn is_here(&self) -> bool {
        true
    }
}

struct ThisHostSession;

#[async_trait]
impl Session for ThisHostSession {
    fn locality(&self) -> Locality {
        Locality::Here
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        // A host without a name is still this one.
        let name = tokio::fs::read_to_string("/proc/sys/kernel/hostname").await.unwrap_or_default();
        Ok(Identity::new(InstanceKind::Host, name.trim()))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(vec![Coverage::Own; paths.len()])
    }

    async fn exec(&mut self, _command: &Exec) -> Result<Process, TransportError> {
        Err(TransportError::new(TransportErrorKind::Exec, "on this host no program is started for the agent"))
    }

    async fn put(&mut self, _file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        Err(TransportError::new(TransportErrorKind::Put, "on this host nothing is placed for the agent"))
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        Ok(())
    }
}

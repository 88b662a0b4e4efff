//! Side pods for the conformance suite: hot ones that share a folder, as most checks need, and one that scales down for the
//! checks about that. Two of the second kind cannot use one claim at once, which is their purpose.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, Transport, TransportError};
use bahub_transports::kubernetes::SidePod;

/// Opens a hot session, which becomes a cold one when it is quiesced.
#[derive(Debug)]
pub(crate) struct Either {
    pub(crate) hot: SidePod,
    pub(crate) cold: Arc<SidePod>,
}

#[async_trait]
impl Transport for Either {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let session = Some(self.hot.open(cx).await?);
        Ok(Box::new(EitherSession { session, cold: Arc::clone(&self.cold), cx: cx.clone() }))
    }
}

struct EitherSession {
    session: Option<Box<dyn Session>>,
    cold: Arc<SidePod>,
    cx: RunContext,
}

impl EitherSession {
    fn session(&mut self) -> &mut dyn Session {
        self.session.as_mut().unwrap().as_mut()
    }
}

#[async_trait]
impl Session for EitherSession {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        self.session().identity().await
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        self.session().coverage(paths).await
    }

    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        self.session().machine().await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        self.session().exec(command).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.session().put(file).await
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        if let Some(hot) = self.session.take() {
            hot.close().await?;
        }
        self.cx.purpose = RunPurpose::Backup;
        // A run's names are unique.
        self.cx.id = bahub_core::run::random_hex(16).unwrap();
        self.session = Some(self.cold.open(&self.cx).await?);
        self.session().quiesce().await
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        self.session().verify_quiesced().await
    }

    async fn resume(&mut self) -> Result<(), TransportError> {
        self.session().resume().await
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        match self.session {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }
}

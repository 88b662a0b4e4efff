//! A session in a container of a running pod.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::random_hex;
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use tokio::time::timeout;

use super::client::Cluster;
use super::container::{Container, ContainerRef};
use super::exec::Running;
use super::folder::Folder;
use super::kill::{self, KillOutcome};

/// How long an agent may take to notice that its connection is gone.
const DEAD_MAN: Duration = Duration::from_secs(35);
/// How long a query may take.
const ASK: Duration = Duration::from_secs(30);

/// What was started and placed in a container; all of it ends with the session.
#[derive(Debug)]
pub(super) struct InPod {
    container: Arc<Container>,
    identity: Identity,
    mark: String,
    running: Vec<Running>,
    folder: Folder,
}

impl InPod {
    /// A session in this container; nothing is done there yet.
    ///
    /// # Errors
    /// If the system provides no random bytes.
    pub(super) fn new(cluster: Cluster, at: ContainerRef, identity: Identity) -> Result<Self, TransportError> {
        let mark = random_hex(16).map_err(|error| {
            TransportError::new(TransportErrorKind::Exec, "cannot generate a random name").with_source(error)
        })?;
        let container = Arc::new(Container { cluster, at });
        Ok(Self { container, identity, mark, running: Vec::new(), folder: Folder::default() })
    }

    /// Ends the programs and removes what was placed. May be called again.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if something stays.
    pub(super) async fn end(&mut self) -> Result<(), TransportError> {
        let folders = self.folder.names();
        if self.running.is_empty() && folders.is_empty() {
            return Ok(());
        }
        match kill::end(&self.container, &self.mark, &folders).await {
            KillOutcome::Swept | KillOutcome::Gone => Ok(()),
            KillOutcome::Blind => self.ended_by_themselves().await,
            KillOutcome::Stays(why) => {
                let what = match self.folder.path() {
                    "" => "the programs that bahub started".to_owned(),
                    path => format!("the programs that bahub started or remove {path}"),
                };
                Err(kill::stays(&self.container, &what, &why))
            }
        }
    }

    /// An agent whose connection is gone ends by itself.
    async fn ended_by_themselves(&mut self) -> Result<(), TransportError> {
        for running in &mut self.running {
            if timeout(DEAD_MAN, running.ended()).await.is_err() {
                return Err(kill::stays(
                    &self.container,
                    "the programs that bahub started",
                    "the image has no tr or grep to look for it",
                ));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Session for InPod {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(self.identity.clone())
    }

    /// Programs see what the application sees, in its own mounts.
    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(vec![Coverage::Own; paths.len()])
    }

    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        let said = self.container.script("uname -m", &[], b"", ASK).await?;
        Ok(match said.exit {
            Exit::Code(0) => Some(said.stdout),
            // An image without the program is like this host until its agent fails.
            _ => None,
        })
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let mark = format!("{}-{}", self.mark, self.running.len());
        let (running, process) = self.container.start(command, mark).await?;
        self.running.push(running);
        Ok(process)
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        self.folder.write(&self.container, file).await.map(PlacedPath)
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        self.end().await
    }
}

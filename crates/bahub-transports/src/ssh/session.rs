//! A session on a host that is logged in to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::folder::FarFolder;
use super::process::Running;
use super::shell::Shell;
use super::target::Target;
use crate::host;

/// How long the output of a small program may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How many bytes of it are read.
const MAX_ANSWER: u64 = 1024 * 1024;

/// What was started and placed there; all of it ends with the session. When dropped, it does the same if there is a
/// runtime, and reports nothing.
pub(super) struct SshSession {
    open: Option<Open>,
}

struct Open {
    run: String,
    shell: Arc<Shell>,
    running: Vec<Arc<Running>>,
    folder: FarFolder,
}

impl SshSession {
    pub(super) async fn open(target: Arc<Target>, run: &str) -> Result<Self, TransportError> {
        let shell = Arc::new(Shell::connect(target, run).await?);
        let folder = FarFolder::new(shell.target.keep_agent);
        let open = Open { run: run.to_owned(), shell, running: Vec::new(), folder };
        Ok(Self { open: Some(open) })
    }

    /// The output of a program; none if it fails.
    async fn output(&mut self, argv: &[&str]) -> Result<Option<String>, TransportError> {
        let mut asked = self.exec(&Exec::new(argv.iter().copied())).await?;
        let mut output = Vec::new();
        let answer = timeout(ANSWER, async {
            (&mut asked.stdout).take(MAX_ANSWER).read_to_end(&mut output).await?;
            Ok::<_, std::io::Error>(asked.exit.await)
        });
        let exit = answer.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(|error| {
            let message = format!("the host did not answer to {}", argv.join(" "));
            TransportError::new(TransportErrorKind::Lost, message).with_source(error)
        })?;
        Ok((exit == Exit::Code(0)).then(|| String::from_utf8_lossy(&output).into_owned()))
    }

    fn opened(&mut self) -> Result<&mut Open, TransportError> {
        self.open.as_mut().ok_or_else(|| TransportError::new(TransportErrorKind::Lost, "the session is closed"))
    }
}

#[async_trait]
impl Session for SshSession {
    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        // A host without the program is like this one until its agent fails.
        Ok(self.output(&["uname", "-m"]).await?.map(|machine| machine.trim().to_owned()))
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        let name = self.output(&["uname", "-n"]).await?.ok_or_else(|| {
            let message = "the host's name is unknown: uname -n failed there";
            TransportError::new(TransportErrorKind::Refused, message)
        })?;
        Ok(host::identity(&name, &self.output(&["cat", "/etc/machine-id"]).await?.unwrap_or_default()))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        let fstab = self.output(&["cat", "/etc/fstab"]).await?.unwrap_or_default();
        if fstab.is_empty() {
            return Ok(vec![Coverage::Own; paths.len()]);
        }
        let mounted = self.output(&["cat", "/proc/self/mountinfo"]).await?.unwrap_or_default();
        Ok(host::coverage(&fstab, &mounted, paths, |point| point))
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let open = self.opened()?;
        let (running, process) = Running::start(&open.shell, command).await?;
        open.running.push(running);
        Ok(process)
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let open = self.opened()?;
        open.folder.write(&open.shell, file).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        match self.open.take() {
            Some(open) => open.close().await,
            None => Ok(()),
        }
    }
}

impl Drop for SshSession {
    fn drop(&mut self) {
        if let (Some(open), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { drop(open.close().await) });
        }
    }
}

impl Open {
    /// Kills what runs, removes what was placed, and ends the connection, each even if another fails.
    async fn close(self) -> Result<(), TransportError> {
        let alive = self.shell.master.is_alive().await;
        let mut closed = Ok(());
        if alive {
            for running in &self.running {
                closed = closed.and(running.kill().await.map_err(|error| {
                    let message = format!("cannot stop the programs started on {}", self.shell.target);
                    TransportError::new(TransportErrorKind::Undo, message).with_source(error)
                }));
            }
        }
        if self.folder.is_used() {
            closed = closed.and(self.remove_folder(alive).await);
        }
        closed.and(self.shell.master.end().await)
    }

    /// Over a new connection if the old one is lost: the folder's name is unique. (Programs' ids may have been reused by
    /// then; the programs read the end of their input.)
    async fn remove_folder(&self, alive: bool) -> Result<(), TransportError> {
        let removed = if alive { self.folder.remove(&self.shell).await } else { self.remove_anew().await };
        removed.map_err(|error| match error.kind() {
            TransportErrorKind::Undo => error,
            _ => {
                let message = format!("cannot remove {} on {}", self.folder.described(), self.shell.target);
                let help = "remove it by hand; it holds nothing that is needed";
                TransportError::new(TransportErrorKind::Undo, message).with_help(help).with_source(error)
            }
        })
    }

    async fn remove_anew(&self) -> Result<(), TransportError> {
        let shell = Shell::connect(Arc::clone(&self.shell.target), &self.run).await?;
        let removed = self.folder.remove(&shell).await;
        removed.and(shell.master.end().await)
    }
}

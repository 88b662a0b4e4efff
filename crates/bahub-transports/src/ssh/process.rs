//! A program on the remote host, and its end.

use std::sync::Arc;
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, TransportError, TransportErrorKind};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::sync::{Mutex, watch};

use super::line::{self, Leader};
use super::shell::{Shell, Waiting};
use crate::child_stdin::Stdin;

/// How long a kill may take.
const KILL: Duration = Duration::from_secs(30);
/// The exit status of `ssh` if no status arrived: because of its own failure, or because a signal ended the program.
const SSH_FAILED: i32 = 255;

/// A program that was started, until its end is known. From then on its id may be an unrelated process's, and nothing is killed.
pub(super) struct Running {
    shell: Arc<Shell>,
    leader: Leader,
    end: watch::Receiver<Option<Exit>>,
    /// Whether it was killed; held meanwhile.
    killed: Mutex<bool>,
}

impl Running {
    /// Starts a program of these words.
    ///
    /// # Errors
    /// As [`Shell::start`].
    pub(super) async fn start(shell: &Arc<Shell>, command: &Exec) -> Result<(Arc<Self>, Process), TransportError> {
        let line = line::exec(&command.argv)?;
        let Waiting { leader, client, mut stdin, stdout, stderr } = shell.start().await?;
        let (ended, end) = watch::channel(None);
        tokio::spawn(watch_end(Arc::clone(shell), client, ended));
        let running = Arc::new(Self { shell: Arc::clone(shell), leader, end, killed: Mutex::new(false) });
        let guard = KillOnDrop(Arc::clone(&running));
        stdin.write_all(format!("{line}\n").as_bytes()).await.map_err(|error| {
            let message = format!("cannot start a program on {}: {error}", shell.target);
            TransportError::new(TransportErrorKind::Lost, message).with_source(error)
        })?;
        let process = Process {
            stdin: Box::pin(Stdin(Some(stdin))),
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            exit: Box::pin(guard.exit()),
        };
        Ok((running, process))
    }

    /// Kills its group, unless its end is known. What left the group stays.
    ///
    /// # Errors
    /// As [`Shell::start`].
    pub(super) async fn kill(&self) -> Result<(), TransportError> {
        let mut killed = self.killed.lock().await;
        if !*killed && !self.has_ended() {
            self.shell.run(&self.leader.kill(), b"", KILL).await?;
            *killed = true;
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.end.borrow().is_some_and(|end| end != Exit::Lost)
    }
}

/// Waits for the channel's end, so that it is known even if no caller awaits it.
async fn watch_end(shell: Arc<Shell>, mut client: Child, ended: watch::Sender<Option<Exit>>) {
    let exit = match client.wait().await.ok().and_then(|status| status.code()) {
        // If the connection is still up, it is the program's own status, or a signal ended it.
        Some(SSH_FAILED) if shell.master.is_alive().await => Exit::Code(SSH_FAILED),
        Some(SSH_FAILED) | None => Exit::Lost,
        Some(code) => Exit::Code(code),
    };
    ended.send_replace(Some(exit));
}

/// Kills the program when dropped before its end was seen.
struct KillOnDrop(Arc<Running>);

impl KillOnDrop {
    async fn exit(self) -> Exit {
        let mut end = self.0.end.clone();
        end.wait_for(Option::is_some).await.ok().and_then(|end| *end).unwrap_or(Exit::Lost)
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.0.has_ended() {
            return;
        }
        // Without a runtime the session's close does it, or the end of the program's input.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let running = Arc::clone(&self.0);
            // An error cannot be reported here: the close retries and reports it.
            runtime.spawn(async move { drop(running.kill().await) });
        }
    }
}

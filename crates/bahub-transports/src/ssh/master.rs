//! The one connection of a session: an `ssh` in the background, with a channel for each program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bahub_core::transport::{TransportError, TransportErrorKind};
use openssh::{KnownHosts, SessionBuilder};
use tokio::process::Command;

use super::client::{Answer, ask, asked_to_end, client};
use super::control::{self, ControlFolder};
use super::failure;
use super::options::{check_owner, configuration};
use super::target::Target;

/// A running master. When dropped, it is asked to exit.
#[derive(Debug)]
pub(super) struct Master {
    socket: PathBuf,
    folder: ControlFolder,
    ended: AtomicBool,
}

impl Master {
    /// Connects and logs in. If the caller has gone away meanwhile, the connection ends as soon as it is up.
    ///
    /// # Errors
    /// As [`failure::of_connect`] distinguishes them.
    pub(super) async fn connect(target: Arc<Target>, run: &str) -> Result<Self, TransportError> {
        check_owner(&target)?;
        let folder = ControlFolder::create(run)?;
        // Not cancelled half-way: an unknown master would be left behind.
        let connected = tokio::spawn(async move { Self::launch(&target, folder).await }).await;
        connected.unwrap_or_else(|error| {
            let message = format!("the connection was abandoned: {error}");
            Err(TransportError::new(TransportErrorKind::Unreachable, message))
        })
    }

    async fn launch(target: &Target, folder: ControlFolder) -> Result<Self, TransportError> {
        let launched = Self::launch_in(target, folder.path()).await;
        match launched {
            Ok(socket) => Ok(Self { socket, folder, ended: AtomicBool::new(false) }),
            Err(error) => {
                // The error that led here is reported; the next run removes leftovers.
                let _ = folder.remove();
                Err(error)
            }
        }
    }

    async fn launch_in(target: &Target, folder: &Path) -> Result<PathBuf, TransportError> {
        let config = folder.join("config");
        std::fs::write(&config, configuration(target)).map_err(|error| {
            let message = format!("cannot write {}: {error}", config.display());
            TransportError::new(TransportErrorKind::Unreachable, message).with_source(error)
        })?;
        let mut ssh = SessionBuilder::default();
        ssh.known_hosts_check(KnownHosts::Strict).control_directory(folder).config_file(config);
        ssh.jump_hosts(&target.jump);
        if let Some(user) = &target.user {
            ssh.user(user.clone());
        }
        if let Some(port) = target.port {
            ssh.port(port);
        }
        if let Some(path) = &target.identity_file {
            ssh.keyfile(path);
        }
        match ssh.launch_master(&target.host).await {
            Ok(connection) => Ok(control::socket(&connection.keep())),
            Err(error) => Err(explained(target, error).await),
        }
    }

    /// An `ssh` that runs the line in the login shell, in a channel of this connection.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = client(&self.socket);
        // A terminal's interrupt is for bahub, which ends the remote program in its own way.
        command.process_group(0).args(["-T", "--", "none", line]);
        command
    }

    /// Whether the connection is up, as far as ssh knows.
    pub(super) async fn is_alive(&self) -> bool {
        ask(&self.socket, "check").await == Answer::Yes
    }

    /// Ends the connection and all its channels; does nothing the second time.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if it does not answer.
    pub(super) async fn end(&self) -> Result<(), TransportError> {
        if self.ended.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let removed = match ask(&self.socket, "exit").await {
            Answer::Yes | Answer::No => self.folder.remove(),
            Answer::Silence => Err(std::io::Error::other("the ssh master in it does not answer")),
        };
        removed.map_err(|error| {
            let message = format!("cannot remove {}: {error}", self.folder.path().display());
            let help = "the next run retries it; or kill the ssh process that has it in its arguments";
            TransportError::new(TransportErrorKind::Undo, message).with_help(help).with_source(error)
        })
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if !*self.ended.get_mut() && asked_to_end(&self.socket) {
            // An error can no longer be reported here: call `end` to get it.
            let _ = self.folder.remove();
        }
    }
}

/// The message of openssh's error, explained.
async fn explained(target: &Target, error: openssh::Error) -> TransportError {
    let source = match error {
        openssh::Error::Connect(source) | openssh::Error::Master(source) => source,
        other => return failure::of_connect(target, &other.to_string()),
    };
    if source.kind() == std::io::ErrorKind::NotFound
        && let Err(error) = Command::new("ssh").arg("-V").output().await
    {
        return failure::no_program(error);
    }
    failure::of_connect(target, &source.to_string())
}

//! A program and everything that it starts.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Process, TransportError, TransportErrorKind};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::child_stdin::Stdin;

/// How often a start is retried while the program's file is still open for writing in another process.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// A process group, named by its leader's id.
///
/// The leader is reaped last, by [`Group::end`]: until then the kernel does not reuse its id, so that a signal
/// cannot reach an unrelated process.
#[derive(Debug)]
pub(super) struct Group {
    pid: Pid,
    leader: Mutex<Option<Child>>,
}

impl Group {
    /// Starts a program in its own group.
    ///
    /// # Errors
    /// [`TransportErrorKind::Exec`], naming the program.
    pub(super) async fn start(argv: &[String]) -> Result<(Arc<Self>, Process), TransportError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(TransportError::new(TransportErrorKind::Exec, "there is no program to start"));
        };
        let failed = |error: io::Error| {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            let help = is_missing.then(|| format!("check that `{program}` is in PATH").into());
            let message = format!("cannot start {program}: {error}");
            TransportError::new(TransportErrorKind::Exec, message).with_help_opt(help).with_source(error)
        };
        let mut child = spawn(program, arguments).await.map_err(failed)?;
        let stdio = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pid = Pid::from_child(&child);
        let group = Arc::new(Self { pid, leader: Mutex::new(Some(child)) });
        let guard = KillOnDrop(Some(Arc::clone(&group)));
        let (Some(stdin), Some(stdout), Some(stderr)) = stdio else {
            return Err(failed(io::Error::other("its pipes are missing")));
        };
        let process = Process {
            stdin: Box::pin(Stdin(Some(ChildStdin::from_std(stdin).map_err(failed)?))),
            stdout: Box::pin(ChildStdout::from_std(stdout).map_err(failed)?),
            stderr: Box::pin(ChildStderr::from_std(stderr).map_err(failed)?),
            exit: Box::pin(guard.exit()),
        };
        Ok((group, process))
    }

    /// Kills what is left of the group; harmless after [`Group::end`].
    fn kill(&self) {
        if self.leader.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            // It fails if only the leader is left, dead and not reaped yet: as intended.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    /// Kills what is left of the group, and waits for the leader.
    pub(super) fn end(&self) {
        self.kill();
        if let Some(mut leader) = self.leader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = leader.wait();
        }
    }
}

async fn spawn(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tries = 1;
    loop {
        match command.spawn() {
            // A fork elsewhere in this process may keep the newly written file open until its own exec.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES => {
                tries += 1;
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Kills the group when dropped before its leader's end was seen.
struct KillOnDrop(Option<Arc<Group>>);

impl KillOnDrop {
    async fn exit(mut self) -> Exit {
        let Some(pid) = self.0.as_ref().map(|group| group.pid) else { return Exit::Lost };
        let exit = tokio::task::spawn_blocking(move || wait(pid)).await.unwrap_or(Exit::Lost);
        if exit != Exit::Lost {
            self.0 = None;
        }
        exit
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(group) = &self.0 {
            group.kill();
        }
    }
}

/// Waits for a program's end and leaves it to be reaped.
fn wait(pid: Pid) -> Exit {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(Some(status)) => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Code(code),
                    (None, Some(signal)) => Exit::Signal(signal),
                    (None, None) => Exit::Lost,
                };
            }
            Err(rustix::io::Errno::INTR) => {}
            Ok(None) | Err(_) => return Exit::Lost,
        }
    }
}

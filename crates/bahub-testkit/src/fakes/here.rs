//! A transport to this host, with as little as the contract allows.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity, InstanceKind};
use bahub_core::run::{RunContext, random_hex};
use bahub_core::step::Exit;
use bahub_core::transport::{
    Exec, Locality, PlacedPath, Process, PutFile, Session, Transport, TransportError, TransportErrorKind,
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncWrite;
use tokio::process::{Child, ChildStdin, Command};

/// Runs commands on this host; the agent is served inside this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct HereTransport;

#[async_trait]
impl Transport for HereTransport {
    async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(HereSession::default()))
    }
}

/// What was started and placed; it ends with the session.
#[derive(Debug, Default)]
struct HereSession {
    groups: Vec<Arc<Group>>,
    folder: Option<std::path::PathBuf>,
}

/// A process group. Its leader is reaped last: until then its id is not reused.
#[derive(Debug)]
struct Group {
    pid: Pid,
    leader: Mutex<Option<Child>>,
}

impl Group {
    fn kill(&self) {
        if self.leader.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            // The only possible failure means that no process is left.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    fn end(&self) {
        self.kill();
        drop(self.leader.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Kills the group when dropped before its leader's end was seen.
struct KillOnDrop(Option<Arc<Group>>);

impl KillOnDrop {
    async fn exit(mut self) -> Exit {
        let Some(pid) = self.0.as_ref().map(|group| group.pid) else { return Exit::Lost };
        let exit = tokio::task::spawn_blocking(move || wait(pid)).await.unwrap_or(Exit::Lost);
        self.0 = None;
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
    let status = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    match status.ok().flatten().map(|status| (status.exit_status(), status.terminating_signal())) {
        Some((Some(code), _)) => Exit::Code(code),
        Some((None, Some(signal))) => Exit::Signal(signal),
        _ => Exit::Lost,
    }
}

fn failed(kind: TransportErrorKind, what: String) -> impl FnOnce(io::Error) -> TransportError {
    move |error| TransportError::new(kind, format!("{what}: {error}")).with_source(error)
}

#[async_trait]
impl Session for HereSession {
    fn locality(&self) -> Locality {
        Locality::Here
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(Identity::new(InstanceKind::Host, "here"))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(vec![Coverage::Own; paths.len()])
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let missing = || TransportError::new(TransportErrorKind::Exec, "there is no program to start");
        let (program, arguments) = command.argv.split_first().ok_or_else(missing)?;
        let mut child = Command::new(program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed(TransportErrorKind::Exec, format!("cannot start {program}")))?;
        let stdio = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(missing)?;
        let group = Arc::new(Group { pid, leader: Mutex::new(Some(child)) });
        self.groups.push(Arc::clone(&group));
        let guard = KillOnDrop(Some(group));
        let (Some(stdin), Some(stdout), Some(stderr)) = stdio else { return Err(missing()) };
        Ok(Process {
            stdin: Box::pin(EndedByShutdown(Some(stdin))),
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            exit: Box::pin(guard.exit()),
        })
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => private_folder().map_err(failed(TransportErrorKind::Put, "cannot make a folder".into()))?,
        };
        let path = folder.join(file.name);
        self.folder = Some(folder);
        let placed = crate::fixtures::place_file(&path, file.content, file.mode);
        placed.map_err(failed(TransportErrorKind::Put, format!("cannot write {}", path.display())))?;
        Ok(PlacedPath(path.to_string_lossy().into_owned()))
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        self.end().map_err(failed(TransportErrorKind::Undo, "cannot remove what was placed".into()))
    }
}

impl HereSession {
    fn end(&mut self) -> io::Result<()> {
        self.groups.drain(..).for_each(|group| group.end());
        self.folder.take().map_or(Ok(()), std::fs::remove_dir_all)
    }
}

impl Drop for HereSession {
    fn drop(&mut self) {
        // There is no caller to report an error to; `close` reports it.
        let _ = self.end();
    }
}

fn private_folder() -> io::Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("bahub-testkit-{}", random_hex(16)?));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// A pipe that `shutdown` closes: tokio's own is only closed when it is dropped.
struct EndedByShutdown(Option<ChildStdin>);

impl AsyncWrite for EndedByShutdown {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(stdin) => Pin::new(stdin).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().map_or(Poll::Ready(Ok(())), |stdin| Pin::new(stdin).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A pipe has no user-space buffer to flush.
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

//! Where commands run, and whose data is there.

use std::fmt::Debug;
use std::pin::Pin;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::fault::Fault;
use crate::instance::{Coverage, Identity};
use crate::run::RunContext;
use crate::step::Exit;

/// Where commands run. A transport must do one thing: start a program with live stdio and report how it ended.
///
/// ```
/// use async_trait::async_trait;
/// use bahub_core::run::RunContext;
/// use bahub_core::transport::{Session, Transport, TransportError, TransportErrorKind};
///
/// #[derive(Debug)]
/// struct Nowhere;
///
/// #[async_trait]
/// impl Transport for Nowhere {
///     async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
///         Err(TransportError::new(TransportErrorKind::Unreachable, "there is no host behind this transport")
///             .with_help("use bahub.transports.sh for this host"))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Finds the host, container or pod and connects to it; stops nothing and changes nothing there.
    ///
    /// # Errors
    /// [`TransportErrorKind::Unreachable`] and its like, naming the target.
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError>;

    /// Whether commands run on this very host: a path there is the same path here.
    fn is_here(&self) -> bool {
        false
    }

    /// Mends what dead runs left behind; never touches what a live run holds.
    ///
    /// # Errors
    /// What could not be mended; the rest was.
    async fn recover(&self, _cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        Ok(Vec::new())
    }
}

/// A connection to one instance of a workload.
///
/// The order of a run: [`identity`](Self::identity) and [`coverage`](Self::coverage), before anything is placed or stopped;
/// [`put`](Self::put) and [`exec`](Self::exec) of the agent; [`quiesce`](Self::quiesce); the work;
/// [`verify_quiesced`](Self::verify_quiesced) and [`resume`](Self::resume) as soon as the last byte was read;
/// [`close`](Self::close), always.
///
/// ```
/// use async_trait::async_trait;
/// use bahub_core::instance::{Coverage, Identity};
/// use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError};
///
/// /// Another session, whose programs run in a network namespace of that host.
/// struct InNetwork {
///     host: Box<dyn Session>,
///     name: String,
/// }
///
/// #[async_trait]
/// impl Session for InNetwork {
///     async fn identity(&mut self) -> Result<Identity, TransportError> {
///         Ok(self.host.identity().await?.with("network", self.name.as_str()))
///     }
///
///     async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
///         self.host.coverage(paths).await
///     }
///
///     async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
///         let enter = ["ip", "netns", "exec", self.name.as_str()].map(str::to_owned);
///         self.host.exec(&Exec::new(enter.into_iter().chain(command.argv.iter().cloned()))).await
///     }
///
///     async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
///         self.host.put(file).await
///     }
///
///     async fn close(self: Box<Self>) -> Result<(), TransportError> {
///         self.host.close().await
///     }
/// }
/// ```
#[async_trait]
pub trait Session: Send {
    /// Whether an agent can be served inside this process, because the session is on this process's own host.
    fn locality(&self) -> Locality {
        Locality::Remote
    }

    /// Which instance this is. Asked once, before anything is placed or stopped; it stays the same for the session.
    ///
    /// # Errors
    /// If it cannot be found out: the data of an unknown instance is not backed up.
    async fn identity(&mut self) -> Result<Identity, TransportError>;

    /// Whether each of these absolute paths is the instance's own data, in their order. A path that does not exist yet is
    /// judged by where it would be.
    ///
    /// # Errors
    /// If it cannot be found out.
    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError>;

    /// What kind of machine it is, as `uname -m` or Go's `GOARCH` names it: it decides which agent is placed. None: this host's.
    ///
    /// # Errors
    /// If it cannot be asked.
    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        Ok(None)
    }

    /// Starts a program with fixed arguments; used for the agent alone, so argv is UTF-8.
    ///
    /// Dropping the process kills it.
    ///
    /// # Errors
    /// If it cannot be started.
    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError>;

    /// Places a small file in the target.
    ///
    /// # Errors
    /// If no folder takes it; every one that was tried is named.
    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError>;

    /// Stops or scales down the workload, if this transport does; its former state is recorded first, and
    /// [`RunContext::downtime`] is started.
    ///
    /// May be dropped at any point, when the run is cancelled: [`close`](Self::close) brings back what was stopped, and
    /// what is being stopped.
    ///
    /// # Errors
    /// If it cannot be stopped; it is then as it was.
    async fn quiesce(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Whether nothing ran on this data from [`quiesce`](Self::quiesce) until now: from start to end, not only now. Asked when
    /// the last byte was read or written, before anything is made of it: a read during activity is not a consistent snapshot.
    ///
    /// # Errors
    /// If something was started on it meanwhile, or if that cannot be found out. No version is made then.
    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Brings the workload back to what it was, and ends [`RunContext::downtime`]. The agent may still be storing what it
    /// read: it is not ended. [`close`](Self::close) has nothing to bring back then.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if it does not come back; `close` tries again.
    async fn resume(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Brings back what is still down, and removes what was made.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if something could not be brought back.
    async fn close(self: Box<Self>) -> Result<(), TransportError>;
}

/// Where a session is, as seen from this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// This host, this process's own rights: the agent's code runs inside this process.
    Here,
    /// Elsewhere: an agent is placed and started through the session.
    Remote,
}

/// A command with fixed arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments.
    pub argv: Vec<String>,
}

impl Exec {
    /// A command of this program and these arguments.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect() }
    }
}

/// A running program with live stdio.
pub struct Process {
    /// Its standard input; `shutdown` gives it an end where the transport can.
    pub stdin: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its standard output.
    pub stdout: Pin<Box<dyn AsyncRead + Send>>,
    /// Its standard error.
    pub stderr: Pin<Box<dyn AsyncRead + Send>>,
    /// Resolves when the program ended; [`Exit::Lost`] where the way to it broke.
    pub exit: Pin<Box<dyn Future<Output = Exit> + Send>>,
}

impl Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

/// A small file to place in the target.
#[derive(Debug, Clone, Copy)]
pub struct PutFile<'a> {
    /// Its name, without a folder.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
    /// Its mode, for example `0o500`.
    pub mode: u32,
}

/// Where a file was placed, as the target sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedPath(pub String);

/// Something that a dead run had left and that is as it was again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Recovered {
    /// What it is, for example `deployment shop/web`.
    pub what: String,
    /// What was done, for example `scaled back to 3 replicas`.
    pub done: String,
}

impl Recovered {
    /// Names the thing and what was done to it.
    pub fn new(what: impl Into<String>, done: impl Into<String>) -> Self {
        Self { what: what.into(), done: done.into() }
    }
}

/// What kind of thing went wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The target cannot be found or reached.
    Unreachable,
    /// The target refused: rights, quota, a changed host key.
    Refused,
    /// What would be read or written is not the data that is meant: several instances match, a path is not the instance's
    /// own, another process is working on it. Nothing was begun.
    NotOwn,
    /// A program could not be started there.
    Exec,
    /// A file could not be placed there.
    Put,
    /// The connection broke in the middle.
    Lost,
    /// The run was cancelled ([`RunContext::cancel`]) while this waited for something.
    Cancelled,
    /// Something that was changed could not be brought back.
    Undo,
}

/// A problem with the target in which commands run.
pub type TransportError = Fault<TransportErrorKind>;

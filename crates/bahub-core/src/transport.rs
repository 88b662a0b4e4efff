//! Where commands run.

use std::fmt::Debug;
use std::pin::Pin;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::fault::Fault;
use crate::run::RunContext;
use crate::step::Exit;

/// Where commands run. A transport must do one thing: start a program with live stdio and tell how it ended.
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Finds the place; stops nothing and changes nothing there.
    ///
    /// # Errors
    /// [`TransportErrorKind::Unreachable`] and its like, naming the place.
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError>;

    /// Whether its place is this very host: a path there is the same path here.
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

/// An open place.
#[async_trait]
pub trait Session: Send {
    /// Whether an agent can be served inside this process, because the place is this process's own host.
    fn locality(&self) -> Locality {
        Locality::Remote
    }

    /// What kind of machine the place is, as `uname -m` or Go's `GOARCH` names it: it decides which agent is placed. None: this host's.
    ///
    /// # Errors
    /// If it cannot be asked.
    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        Ok(None)
    }

    /// Starts a program of fixed words; used for the agent alone, so argv is UTF-8.
    ///
    /// Dropping the process kills it.
    ///
    /// # Errors
    /// If it cannot be started.
    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError>;

    /// Places a small file in the target.
    ///
    /// # Errors
    /// If no place takes it; everything that was tried is named.
    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError>;

    /// Stops or scales down the workload, if this transport does; its former state is recorded first.
    ///
    /// May be dropped at any point, when the run is cancelled: [`close`](Self::close) brings back what was stopped, and
    /// what is being stopped.
    ///
    /// # Errors
    /// If it cannot be stopped; it is then as it was.
    async fn quiesce(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Whether what [`quiesce`](Self::quiesce) stopped has been down until now. Asked when the work is done, before anything
    /// is made of it: what was read under a workload that runs is not of one moment.
    ///
    /// # Errors
    /// If somebody has started it meanwhile, or if that cannot be found out. No version is made then.
    async fn still_quiet(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// Brings the workload back and removes what was made.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if something could not be brought back.
    async fn close(self: Box<Self>) -> Result<(), TransportError>;
}

/// Where a session's place is, as seen from this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// This host, this process's own rights: the agent's code runs inside this process.
    Here,
    /// Elsewhere: an agent is placed and started through the session.
    Remote,
}

/// A command of fixed words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments.
    pub argv: Vec<String>,
}

impl Exec {
    /// A command of these words.
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
pub struct Recovered {
    /// What it is, for example `deployment shop/web`.
    pub what: String,
    /// What was done, for example `scaled back to 3 replicas`.
    pub done: String,
}

/// What kind of thing went wrong with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// The place cannot be found or reached.
    Unreachable,
    /// The place refused: rights, quota, a changed host key.
    Refused,
    /// A program could not be started there.
    Exec,
    /// A file could not be placed there.
    Put,
    /// The connection broke in the middle.
    Lost,
    /// Something that was changed could not be brought back.
    Undo,
}

/// A problem with the place where commands run.
pub type TransportError = Fault<TransportErrorKind>;

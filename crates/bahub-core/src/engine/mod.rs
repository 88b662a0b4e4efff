//! Runs plans: backup, restore, verify, download, list, recover.
//!
//! Every run follows the same order: the lock, what dead runs left, the target, whose data it holds, the agent, the probes;
//! only then anything is begun or stopped; and at the end everything is closed and undone, whatever happened. The first error is
//! never masked by a later one.

mod agent;
mod agent_program;
mod backup;
mod capture;
mod control;
mod download;
mod drill;
mod error;
mod lock;
mod outcome;
mod put_back;
mod read;
mod reader;
mod recover;
mod restore;
mod route;
mod run;
mod target;
mod upload;
mod verify;
mod version;

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::agent::LocalAgent;
use crate::keys::Keys;
use crate::observer::{Observer, Observers};

use agent_program::AgentProgram;

pub use backup::BackupOptions;
pub use control::RunControl;
pub use download::{DownloadContent, DownloadOptions};
pub use error::{RunError, RunErrorKind};
pub use outcome::RunOutcome;
pub use reader::{ReadOptions, VersionReader};
pub use recover::RecoverOptions;
pub use restore::{Confirm, OtherInstance, RestoreMode, RestoreOptions};
pub use verify::VerifyOptions;

/// Runs plans with these keys and this agent; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    keys: Arc<dyn Keys>,
    local_agent: Arc<dyn LocalAgent>,
    agent_program: Option<AgentProgram>,
    /// Where run locks stand; none are taken without one.
    lock_folder: Option<PathBuf>,
    environment: Environment,
    observers: Observers,
    /// The runs that go on.
    tasks: TaskTracker,
}

impl Engine {
    /// An engine whose run locks stand where this system keeps such files.
    pub fn new(keys: Arc<dyn Keys>, local_agent: Arc<dyn LocalAgent>) -> Self {
        Self {
            keys,
            local_agent,
            agent_program: None,
            lock_folder: Some(lock::default_folder()),
            environment: Environment::default(),
            observers: Observers::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Names the program that is placed next to data that is elsewhere, whatever machine that is.
    #[must_use]
    pub fn with_agent_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.agent_program = Some(AgentProgram::File(program.into()));
        self
    }

    /// Names the folder in which that program is: `backup-maker-ARCHITECTURE` (as `uname -m` has it), or `backup-maker`.
    #[must_use]
    pub fn with_agent_programs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.agent_program = Some(AgentProgram::Folder(folder.into()));
        self
    }

    /// Keeps run locks in this folder.
    #[must_use]
    pub fn with_lock_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.lock_folder = Some(folder.into());
        self
    }

    /// Takes no run lock: runs of one collection may go on side by side, and no folder has to be writable. For sinks that
    /// number versions themselves, and programs whose users expect that.
    #[must_use]
    pub fn without_run_lock(mut self) -> Self {
        self.lock_folder = None;
        self
    }

    /// Lets programs on this host inherit this process's environment, credentials included, but for what their steps name.
    /// For commands that the owner of the environment wrote; without this, variables that hold credentials are withheld.
    #[must_use]
    pub fn with_inherited_credentials(mut self) -> Self {
        self.environment = Environment::Inherited;
        self
    }

    /// Adds somebody who watches every run of this engine, on a thread of their own.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer) -> Self {
        self.observers = self.observers.with(observer);
        self
    }

    /// Waits until no run of this engine goes on any more, also those whose futures were dropped: a runtime that is shut down
    /// before ends them in the middle, and what they had stopped stays down until the next run or `recover`.
    pub async fn idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// Everybody who watches; to wait for them at the end of a program.
    pub fn observers(&self) -> &Observers {
        &self.observers
    }
}

/// Which variables of this process reach programs on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Environment {
    /// Those without credentials.
    #[default]
    Shielded,
    /// All that a step does not exclude.
    Inherited,
}

/// Does something that blocks, such as reading key files or stretching a passphrase, beside the runtime.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::new(RunErrorKind::Internal, error.to_string()))
}

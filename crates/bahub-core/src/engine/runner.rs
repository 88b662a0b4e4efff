//! What runs plans, as a program composes it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::agent_program::AgentProgram;
use super::lock;
use crate::agent::LocalAgent;
use crate::keys::Keys;
use crate::observer::{Observer, Observers};

/// Runs plans with these keys and this agent; cheap to clone.
///
/// ```
/// use std::error::Error;
/// use std::sync::Arc;
///
/// use bahub_core::agent::LocalAgent;
/// use bahub_core::engine::{BackupOptions, Engine, RunControl};
/// use bahub_core::keys::Keys;
/// use bahub_core::plan::Plan;
///
/// async fn nightly(keys: Arc<dyn Keys>, agent: Arc<dyn LocalAgent>, plan: Plan) -> Result<(), Box<dyn Error>> {
///     let engine = Engine::new(keys, agent);
///     // `control.cancel()`, from wherever it was cloned to, ends the run: what it stopped is started again first.
///     let control = RunControl::default();
///     let run = tokio::spawn({
///         let (engine, options) = (engine.clone(), BackupOptions::default().controlled_by(&control));
///         async move { engine.backup(&plan, &options).await }
///     });
///     let report = run.await?.into_result()?;
///     println!("{}: {} bytes stored, {} warnings", report.backup, report.stored_bytes, report.warnings.len());
///     // Runs whose futures were dropped may still be starting a workload again.
///     engine.idle().await;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) keys: Arc<dyn Keys>,
    pub(super) local_agent: Arc<dyn LocalAgent>,
    pub(super) agent_program: Option<AgentProgram>,
    /// Where run locks stand; none are taken without one.
    pub(super) lock_folder: Option<PathBuf>,
    pub(super) environment: Environment,
    pub(super) observers: Observers,
    /// The runs that go on.
    pub(super) tasks: TaskTracker,
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

    /// Adds an observer of every run of this engine, on a thread of its own.
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

    /// All observers; to wait for them at the end of a program.
    pub fn observers(&self) -> &Observers {
        &self.observers
    }
}

/// Which variables of this process reach programs on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Environment {
    /// Those without credentials.
    #[default]
    Shielded,
    /// All that a step does not exclude.
    Inherited,
}

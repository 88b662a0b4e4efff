//! Runs plans: backup, restore, verify, download, list, recover.
//!
//! Every run follows the same order: the lock, what dead runs left, the place, the agent, the probes; only then
//! anything is begun or stopped; and at the end everything is closed and undone, whatever happened. The first error is
//! never masked by a later one.

mod agent;
mod agent_program;
mod backup;
mod capture;
mod census;
mod download;
mod drill;
mod ended;
mod error;
mod lock;
mod read;
mod recover;
mod restore;
mod route;
mod verify;
mod version;

use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::LocalAgent;
use crate::keys::Keys;

use agent_program::AgentProgram;

pub use download::DownloadContent;
pub use ended::{EXIT_CODES, Ended, ExitCode};
pub use error::{RunError, RunErrorKind};
pub use restore::{Look, RestoreOptions};

/// Runs plans with these keys and this agent; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    keys: Arc<dyn Keys>,
    local_agent: Arc<dyn LocalAgent>,
    agent_program: Option<AgentProgram>,
    lock_folder: PathBuf,
}

impl Engine {
    /// An engine whose run locks stand where this system keeps such files.
    pub fn new(keys: Arc<dyn Keys>, local_agent: Arc<dyn LocalAgent>) -> Self {
        Self { keys, local_agent, agent_program: None, lock_folder: lock::default_folder() }
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
        self.lock_folder = folder.into();
        self
    }
}

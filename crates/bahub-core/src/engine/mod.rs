//! Runs plans: backup, restore, verify, download, list, prune, recover.
//!
//! Every run follows the same order: the lock, what dead runs left, the target, whose data it holds, the agent, the probes;
//! only then anything is begun or stopped; and at the end everything is closed and undone, whatever happened. The first error is
//! never masked by a later one.

mod agent;
mod agent_program;
mod backup;
mod blocking;
mod capture;
mod control;
mod download;
mod drill;
mod error;
#[cfg(feature = "hooks")]
mod hooks;
mod lock;
mod outcome;
#[cfg(feature = "retention")]
mod prune;
mod put_back;
mod read;
mod reader;
mod recover;
mod restore;
mod route;
mod run;
mod runner;
mod target;
mod upload;
mod verify;
mod version;

pub use backup::BackupOptions;
pub use control::RunControl;
pub use download::{DownloadContent, DownloadOptions};
pub use error::{RunError, RunErrorKind};
pub use outcome::RunOutcome;
#[cfg(feature = "retention")]
pub use prune::PruneOptions;
pub use reader::{ReadOptions, VersionReader};
pub use recover::RecoverOptions;
pub use restore::{Confirm, OtherInstance, RestoreMode, RestoreOptions};
pub use runner::Engine;
pub use verify::VerifyOptions;

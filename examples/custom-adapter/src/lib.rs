//! A third party's crate: an adapter for git repositories, which bahub itself does not know, and an observer of runs.

mod git;
mod runs;

use bahub_core::registry::RegistryBuilder;

pub use git::{Git, GitConfig};
pub use runs::RunLog;

/// Registers this crate's components.
pub fn register(builder: &mut RegistryBuilder) {
    builder.adapter::<Git>();
}

//! A third party's crate: an adapter for git repositories, which bahub itself does not know.

mod git;

use bahub_core::registry::RegistryBuilder;

pub use git::{Git, GitConfig};

/// Adds what this crate brings.
pub fn register(builder: &mut RegistryBuilder) {
    builder.adapter::<Git>();
}

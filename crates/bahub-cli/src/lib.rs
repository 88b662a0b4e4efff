//! The programs `bahub` and `backup-controller`, and what a program with more components is made of.
//!
//! A third party composes its own program of bahub's components and its own:
//!
//! ```no_run
//! # mod acme_redis { pub fn register(_: &mut bahub_core::registry::RegistryBuilder) {} }
//! fn main() -> std::process::ExitCode {
//!     bahub_cli::Cli::standard().named("acme-backup", "1.0.0").with(acme_redis::register).run()
//! }
//! ```

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod cli;
mod command;
mod extension;
mod name;
mod render;
mod signals;
mod spelling;
mod terminal;

pub use cli::Cli;
pub use extension::{Context, Extension};

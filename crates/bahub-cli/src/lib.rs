//! The programs `bahub` and `backup-controller`, and what a program with more components is made of.
//!
//! A third party composes its own program of bahub's components and its own:
//!
//! ```no_run
//! # mod acme_redis { pub fn register(_: &mut bahub_core::registry::RegistryBuilder) {} }
//! fn main() -> std::process::ExitCode {
//!     bahub_cli::Cli::standard().with(acme_redis::register).run()
//! }
//! ```

mod args;
mod cli;
mod command;
mod render;
mod signals;
mod spelling;
mod terminal;

pub use cli::Cli;

#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod cli;
mod command;
mod complete;
mod extension;
mod failed;
mod name;
mod render;
mod signals;
mod spelling;
mod status;
mod systemd;
mod terminal;

pub use cli::Cli;
pub use extension::{Context, Extension};

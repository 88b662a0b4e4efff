#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod cli;
mod command;
mod extension;
mod failed;
mod name;
mod render;
mod signals;
mod size;
mod spelling;
mod terminal;

pub use cli::Cli;
pub use extension::{Context, Extension};

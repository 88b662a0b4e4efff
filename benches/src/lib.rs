//! What the measurements share: data, a configuration, timed commands, tables.

mod command;
mod data;
mod moments;
mod server;
mod setup;

pub use command::{Cost, Series, median, timed, timed_process};
pub use data::{incompressible, sql_text, tree};
pub use moments::between;
pub use server::Server;
pub use setup::{Common, FarOptions, Setup};

//! What the measurements share: data, a configuration, timed commands, tables.

mod command;
mod data;
mod server;
mod setup;

pub use command::{Cost, Series, median, timed};
pub use data::{incompressible, sql_text, tree};
pub use server::Server;
pub use setup::{Common, Setup};

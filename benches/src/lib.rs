//! What the measurements share: data, a configuration, timed commands, tables.

mod command;
mod data;
mod setup;

pub use command::{Cost, Series, median, timed};
pub use data::{incompressible, sql_text, tree};
pub use setup::{Common, Setup};

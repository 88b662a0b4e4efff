#![doc = include_str!("../README.md")]

mod job;
mod local;
mod output;
mod runtime;
mod serve;
mod sinks;
pub mod standalone;
mod steps;
mod stream;

pub use local::InProcess;
pub use serve::{serve, serve_stdio};
pub use sinks::AgentSinks;
pub use steps::end_on_panic;

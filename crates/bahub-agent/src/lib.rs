//! The part of bahub that runs next to the data: it captures, compresses, encrypts and uploads, and puts data back.
//!
//! It serves one end of an agent link ([`bahub_core::link`]): inside the controller's process for places on the same
//! host ([`InProcess`]), or over its own stdin and stdout as the program `backup-maker`. Used by itself, that program is a small composition of bahub's
//! engine ([`standalone`]).

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

//! The part of bahub that runs next to the data: it captures, compresses, encrypts and uploads, and puts data back.
//!
//! It serves one end of an agent link ([`bahub_core::link`]): inside the controller's process for places on the same
//! host ([`InProcess`]), or over its own stdin and stdout as the program `backup-maker`. Without a controller that program is used as its
//! predecessor was ([`alone`]).

pub mod alone;
mod job;
mod local;
mod serve;
mod sinks;
mod steps;
mod stream;

pub use local::InProcess;
pub use serve::serve;
pub use sinks::AgentSinks;
pub use steps::end_on_panic;

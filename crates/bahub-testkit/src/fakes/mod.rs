//! Honest components without a daemon, and liars: each tells one lie that a suite must find.
//!
//! The liars wrap the honest ones, so that nothing but the lie differs.

mod adapter;
mod agent;
mod here;
mod lying_sink;
mod lying_transport;
mod memory_sink;
mod streams;
mod with_programs;
mod workload;

pub use adapter::{AdapterLie, CopyFile, LyingAdapter};
pub use agent::{AgentLie, LyingAgent};
pub use here::HereTransport;
pub use lying_sink::{LyingSink, SinkLie};
pub use lying_transport::{LyingTransport, TransportLie};
pub use memory_sink::MemorySink;
pub use with_programs::WithPrograms;
pub use workload::{FakeWorkload, WorkloadTransport};

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod job;
mod local;
#[cfg_attr(not(feature = "repository"), expect(dead_code, reason = "`standalone` uses the rest"))]
mod output;
mod runtime;
mod serve;
mod sinks;
#[cfg(feature = "repository")]
pub mod standalone;
mod steps;
mod stream;

pub use local::InProcess;
pub use serve::{serve, serve_stdio};
pub use sinks::AgentSinks;
pub use steps::end_on_panic;

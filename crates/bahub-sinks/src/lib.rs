#![doc = include_str!("../README.md")]

#[cfg(any(feature = "repository", feature = "s3"))]
mod http;
#[cfg(any(feature = "repository", feature = "s3"))]
mod timeouts;
mod register;
#[cfg(feature = "repository")]
pub mod repository;
#[cfg(feature = "store")]
pub mod store;

pub use register::{agent_sinks, register};

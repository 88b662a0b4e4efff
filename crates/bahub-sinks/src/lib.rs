#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "repository", feature = "s3"))]
mod http;
mod register;
#[cfg(feature = "repository")]
pub mod repository;
#[cfg(feature = "store")]
pub mod store;
#[cfg(any(feature = "repository", feature = "s3"))]
mod timeouts;

pub use register::{agent_sinks, register};

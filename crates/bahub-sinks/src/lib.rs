//! Where bahub keeps versions.
//!
//! | feature | brings | chosen by |
//! |---|---|---|
//! | `store` | directories | `file:///dir` |
//! | `s3` | object stores that speak S3 | `s3://bucket/prefix` |
//! | `repository` | Backup Repository servers | `http(s)://host` |
//!
//! A program composes them with [`register`], an agent with [`agent_sinks`].

#[cfg(any(feature = "repository", feature = "s3"))]
mod http;
#[cfg(any(feature = "repository", feature = "s3"))]
mod patience;
mod register;
#[cfg(feature = "repository")]
pub mod repository;
#[cfg(feature = "store")]
pub mod store;

pub use register::{agent_sinks, register};

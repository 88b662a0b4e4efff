//! Claims about the sinks, against real file systems and servers.
#![cfg(any(feature = "repository", feature = "store"))]
#![expect(clippy::unwrap_used, reason = "clippy exempts tests' bodies, and not the functions that they share")]

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "store")]
mod directory;
#[cfg(feature = "store")]
mod disk_full;
#[cfg(feature = "repository")]
mod repository;
#[path = "../support/mod.rs"]
mod support;

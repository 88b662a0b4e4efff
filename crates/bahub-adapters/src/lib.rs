#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "command")]
pub mod command;
#[cfg(any(feature = "mysql", feature = "postgres_dump", feature = "sqlite"))]
mod counts;
#[cfg(feature = "filesystem")]
pub mod filesystem;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod list;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod options;
#[cfg(feature = "postgres_dump")]
pub mod postgres_dump;
#[cfg(feature = "redis")]
pub mod redis;
mod register;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod scope;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(any(feature = "mysql", feature = "postgres_dump", feature = "sqlite"))]
pub use counts::{Counts, OnOff};
pub use register::register;

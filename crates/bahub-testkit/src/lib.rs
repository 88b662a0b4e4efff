#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "backup-repository", feature = "conformance"))]
mod search;

#[cfg(feature = "backup-repository")]
pub mod backup_repository;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod fakes;
#[cfg(feature = "conformance")]
pub mod fixtures;

#[cfg(any(feature = "backup-repository", feature = "conformance"))]
pub use search::contains;

//! Conformance suites, lying fakes and real test servers for bahub and for crates that extend it.
//!
//! | module | holds | feature |
//! |---|---|---|
//! | [`conformance`] | what any adapter, transport or sink can be held to | `conformance` |
//! | [`fakes`] | honest components in memory and on this host, and liars that the suites reject | `conformance` |
//! | [`fixtures`] | trees of odd files, keys, a real gpg, a small disk, a watch on process lists | `conformance` |
//! | [`backup_repository`] | a Backup Repository server | `backup-repository` |
//!
//! A third party's test is three lines:
//!
//! ```
//! # async fn example() {
//! use bahub_testkit::{conformance, fakes::MemorySink};
//! let report = conformance::sink(async || MemorySink::shared("shop"), &["hunter22"]).await;
//! report.assert_conforms();
//! # }
//! ```

#[cfg(feature = "backup-repository")]
pub mod backup_repository;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod fakes;
#[cfg(feature = "conformance")]
pub mod fixtures;

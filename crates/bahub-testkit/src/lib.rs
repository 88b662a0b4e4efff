//! Conformance suites, lying fakes and real test servers for bahub and for crates that extend it

#[cfg(feature = "backup-repository")]
pub mod backup_repository;

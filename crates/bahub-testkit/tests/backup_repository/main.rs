//! What the Backup Repository for tests accepts and refuses, and how it misbehaves on request.
#![cfg(feature = "backup-repository")]
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

mod auth;
mod client;
mod download;
mod faults;
mod limits;
mod program;
mod upload;

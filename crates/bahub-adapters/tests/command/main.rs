//! The command adapter with real commands.
//!
//! Needs `bash`, `tar` and coreutils.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod config;
mod conforms;
mod drills;
mod ends;
mod secrets;
mod support;

//! The sqlite adapter against the real sqlite3.
//!
//! Needs `sqlite3`, `busybox` and root; `scripts/testbed` provides the programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod breaks;
mod busybox;
mod config;
mod conforms;
mod in_use;
mod leftovers;
mod outcome;
mod restores;
mod safe;
mod support;
mod whole;
mod writers;

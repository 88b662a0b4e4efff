//! The filesystem adapter against the real GNU tar and the real busybox.
//!
//! Needs `tar`, `busybox`, `rsync`, `setfattr`, `setfacl` and root; `scripts/testbed` provides the programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod argv;
mod exclude;
mod foreign;
mod restore;
mod runner;
mod tree;
mod trouble;
mod whole;

//! The filesystem adapter against the real GNU tar and the real busybox.
//!
//! Needs `tar`, `busybox`, `rsync`, `setfattr`, `setfacl` and root's rights; `scripts/testbed` brings the programs.

mod argv;
mod exclude;
mod foreign;
mod restore;
mod runner;
mod tree;
mod trouble;
mod whole;

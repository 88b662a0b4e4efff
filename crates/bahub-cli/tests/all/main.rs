//! The program from end to end: what a user does, and what goes wrong while it runs.
//!
//! Needs GNU tar, bash, rsync, gpg, zstd, curl, strace, setpriv, setsid, unshare, setfattr, setfacl, PostgreSQL and root's rights: a test that cannot run fails.
//! `scripts/testbed` brings the programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod support;

mod commits;
mod config;
mod damage;
mod docker;
mod docker_breaks;
mod docker_killed;
mod docker_tls;
mod embedded;
mod ended;
mod exit_codes;
mod files;
mod gnupg;
mod hooked;
mod instances;
mod keys;
mod kubernetes;
mod kubernetes_breaks;
mod kubernetes_killed;
mod kubernetes_side;
#[cfg(feature = "vendored")]
mod linked;
mod panics;
mod postgres;
mod pruned;
mod repository_faults;
mod restore;
mod round_trip;
mod secrets;
mod served;
mod several;
mod small_disk;
mod spelling;
mod ssh;
mod swap;
mod tar_fails;
mod terminals;
mod told;
mod warnings;
mod watchers;

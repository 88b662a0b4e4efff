//! The mysql adapter against a real MariaDB.
//!
//! Needs `mariadbd` and `mariadb-dump`; `scripts/testbed` provides them, and each test starts its own server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod breaks;
mod config;
mod conforms;
mod matrix;
mod mixed;
mod museum;
mod preflight;
mod restores;
mod rights;
mod samples;
mod support;
mod tls;

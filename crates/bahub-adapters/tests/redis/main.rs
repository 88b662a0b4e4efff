//! The redis adapter against the real Redis, and Valkey.
//!
//! Needs `redis-server` and `redis-cli`; `scripts/testbed` provides them, and each test starts its own server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod breaks;
mod config;
mod conforms;
mod foreign;
mod marks;
mod outcome;
mod restores;
mod rights;
mod support;
mod tls;

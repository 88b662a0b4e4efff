//! The postgres_dump adapter against a real PostgreSQL.
//!
//! Needs `postgres`, `pg_dump` and the extensions of postgresql-contrib; `scripts/testbed` provides them, and the tests start
//! their own servers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

mod breaks;
mod config;
mod conforms;
mod hostile;
mod matrix;
mod outcome;
mod partial;
mod preflight;
mod regression;
mod rights;
mod roles;
mod several;
mod support;
mod trouble;
mod whole;

//! The `sh` transport against real programs of this host.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod close;
mod exec;
mod place;
mod put;

//! The `ssh` transport against a real sshd.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod conformance;
mod ends;
mod kept;
mod place;
mod put;
mod recover;
mod refusals;
mod shells;
mod sudo;
mod support;

//! The suites hold for our own components, and each lie is found by the claim that it breaks.
//!
//! Needs `rsync`, `gpg`, `tar` and root; `scripts/testbed` provides the programs.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

mod adapters;
mod agents;
mod fixtures;
mod lying_adapters;
mod lying_sinks;
mod lying_transports;
mod registrations;
mod releases;
mod sinks;
mod transports;

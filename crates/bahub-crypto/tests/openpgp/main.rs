//! The crate against itself, against sequoia-openpgp, and against a real gpg.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod gpg;
mod inside;
mod keys;
mod protect;
mod round_trip;
mod sequoia;
mod support;

//! The crate against itself, against sequoia-openpgp, and against a real gpg.

mod damage;
mod gpg;
mod keys;
mod round_trip;
mod sequoia;
mod support;

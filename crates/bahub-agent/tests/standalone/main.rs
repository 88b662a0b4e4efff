//! Claims about `backup-maker` used by itself: the program itself, a strict server, and gpg.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod download;
mod make;
mod options;
mod restore;
mod secrets;
mod signals;
mod support;

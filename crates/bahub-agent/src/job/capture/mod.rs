//! Capture, compress, encrypt, store.

mod census;
mod fed;
mod handshake;
mod output;
mod pipeline;
mod pump;
mod stream;

pub(super) use handshake::run;

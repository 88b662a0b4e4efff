//! What a run guarantees to an embedding program: nothing stays down, whatever ends it; no observer delays it.

mod ends;
mod input;
mod keys;
mod observers;
mod order;
mod prune;
mod reader;
mod send;
mod stream;
mod support;

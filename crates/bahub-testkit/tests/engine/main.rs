//! What a run promises whoever embeds it: nothing stays down, whatever ends it; nothing that watches holds it up.

mod ends;
mod input;
mod keys;
mod observers;
mod order;
mod reader;
mod send;
mod stream;
mod support;

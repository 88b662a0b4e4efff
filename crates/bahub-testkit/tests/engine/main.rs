//! What a run promises whoever embeds it: nothing stays down, whatever ends it; nothing that watches holds it up.

mod ends;
mod input;
mod observers;
mod order;
mod send;
mod support;

//! The `docker` transport against a real Docker Engine.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod bare;
mod conforms;
mod finds;
mod frames;
mod kept;
mod side;
mod support;

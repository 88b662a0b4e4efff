//! The `docker` transport against a real Docker Engine.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod bare;
mod conforms;
mod data;
mod finds;
mod frames;
mod kept;
mod quiet;
mod resume;
mod side;
mod support;
mod swarm;

//! Which components a program holds: explicit, without link-time magic.
//!
//! A crate of components exports `pub fn register(builder: &mut RegistryBuilder)`; a program composes the crates that
//! it wants. A component writes its type string once, in its `TYPE`.

mod builder;
mod component;
mod lookup;

pub use builder::{About, Duplicate, RegistryBuilder};
pub use component::{Component, SpecError};
pub use lookup::{Absent, Entry, Kind, Registry, SinkContext, Unregistered};

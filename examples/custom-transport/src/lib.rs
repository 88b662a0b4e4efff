//! A third party's crate: a transport into the namespaces of a process, which bahub itself does not know.

mod inside;
mod namespaces;
mod target;

use bahub_core::registry::RegistryBuilder;

pub use namespaces::{Namespaces, NamespacesConfig};

/// Registers this crate's components.
pub fn register(builder: &mut RegistryBuilder) {
    builder.transport::<Namespaces>();
}

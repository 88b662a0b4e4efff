//! A third party's crate: a sink that keeps its versions in one folder, which bahub itself does not know.

mod config;
mod shelf;
mod upload;

use bahub_core::registry::RegistryBuilder;

pub use config::ShelfConfig;
pub use shelf::Shelf;

/// Registers this crate's components.
pub fn register(builder: &mut RegistryBuilder) {
    builder.sink::<Shelf>();
}

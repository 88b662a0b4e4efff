//! What bahub can back up: files and databases, one cargo feature each.
//!
//! | feature | type | backs up |
//! |---|---|---|
//! | `filesystem` | `bahub.adapters.filesystem` | files and folders, by the tar of the place where they lie |

#[cfg(feature = "filesystem")]
pub mod filesystem;
mod register;

pub use register::register;

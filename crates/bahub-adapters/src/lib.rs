//! What bahub can back up: files and databases, one cargo feature each.
//!
//! | feature | type | backs up |
//! |---|---|---|
//! | `filesystem` | `bahub.adapters.filesystem` | files and folders, by the tar of the place where they lie |
//! | `mysql` | `bahub.adapters.mysql` | MySQL and MariaDB, by the dump program of the place where they run |

#[cfg(feature = "filesystem")]
pub mod filesystem;
#[cfg(feature = "mysql")]
pub mod mysql;
mod register;

pub use register::register;

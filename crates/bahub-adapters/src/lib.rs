//! What bahub can back up: files and databases, one cargo feature each.
//!
//! | feature | type | backs up |
//! |---|---|---|
//! | `filesystem` | `bahub.adapters.filesystem` | files and folders, by the tar of the place where they lie |
//! | `mysql` | `bahub.adapters.mysql` | MySQL and MariaDB, by the dump program of the place where they run |
//! | `postgres_dump` | `bahub.adapters.postgres_dump` | PostgreSQL, by pg_dump of the place where it runs |

#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod counts;
#[cfg(feature = "filesystem")]
pub mod filesystem;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod list;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod options;
#[cfg(feature = "postgres_dump")]
pub mod postgres_dump;
mod register;
#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
mod scope;

#[cfg(any(feature = "mysql", feature = "postgres_dump"))]
pub use counts::{Counts, OnOff};
pub use register::register;

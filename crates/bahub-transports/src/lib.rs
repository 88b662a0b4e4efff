//! Where bahub runs commands: the local shell and far places, one cargo feature each.
//!
//! | feature | type | runs commands |
//! |---|---|---|
//! | `sh` | `bahub.transports.sh` | on this host, with this process's own rights |

mod register;
#[cfg(feature = "sh")]
pub mod sh;

pub use register::register;

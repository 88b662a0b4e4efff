//! Programs as children of the agent: started without a shell, killed and waited for as groups.

mod child;
mod find;
mod kill;
mod limit;
mod log;
mod secret_file;

pub(crate) use child::{Child, Plug, start};
pub(crate) use kill::KillSwitch;
pub use kill::end_on_panic;
pub(crate) use limit::within;
pub(crate) use log::LogLine;

//! The traits, the plan, the run engine and the agent protocol of bahub, the Backup Controller.

pub mod compression;
pub mod fault;
pub mod keys;
pub mod secret;

//! The traits, the plan, the run engine and the agent protocol of bahub, the Backup Controller.
//!
//! A run, told as data: a configuration is parsed into a [`plan::Plan`]; its transport opens a
//! [`transport::Session`]; a [`link::Job`] travels to an agent next to the data, which captures, compresses, encrypts
//! and uploads; what happened comes back as a [`report::Report`].
//!
//! | feature | brings |
//! |---|---|
//! | `config` | the YAML configuration, its errors with positions, and plans made of it |
//! | `engine` | backup, restore, verify, list and recover |
//!
//! Without features the crate holds the traits, the data of a run and the agent protocol: what an agent needs.

pub mod adapter;
pub mod agent;
pub mod capture;
pub mod compression;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "engine")]
pub mod engine;
pub mod event;
pub mod exit;
pub mod facts;
pub mod fault;
mod fault_point;
pub mod instance;
pub mod keys;
pub mod link;
pub mod observer;
pub mod plan;
pub mod registry;
pub mod replay;
pub mod report;
pub mod run;
pub mod secret;
pub mod sink;
pub mod step;
pub mod transport;

pub use fault_point::fault_point;

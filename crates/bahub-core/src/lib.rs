#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adapter;
pub mod advice;
pub mod agent;
pub mod capture;
pub mod census;
pub mod compression;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "config")]
pub mod display;
#[cfg(feature = "engine")]
pub mod engine;
pub mod event;
pub mod exit;
pub mod external;
pub mod facts;
pub mod fault;
mod fault_point;
pub mod hex;
#[cfg(feature = "hooks")]
pub mod hook;
pub mod instance;
pub mod keys;
pub mod link;
#[cfg(feature = "config")]
pub mod notifier;
pub mod observer;
pub mod plan;
pub mod registry;
pub mod replay;
pub mod report;
#[cfg(feature = "retention")]
pub mod retention;
pub mod run;
#[cfg(feature = "config")]
pub mod schedule;
pub mod script;
pub mod secret;
pub mod sink;
pub mod step;
pub mod transport;

pub use fault_point::fault_point;

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "sh", feature = "ssh"))]
mod child_stdin;
#[cfg(feature = "docker")]
pub mod docker;
#[cfg(any(feature = "docker", feature = "kubernetes"))]
mod exec_mark;
#[cfg(any(feature = "sh", feature = "docker", feature = "ssh", feature = "kubernetes"))]
mod file_name;
#[cfg(any(feature = "docker", feature = "kubernetes"))]
mod holder;
#[cfg(any(feature = "sh", feature = "ssh"))]
mod host;
#[cfg(any(feature = "docker", feature = "ssh"))]
mod kept_agent;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "docker")]
mod random_name;
mod register;
#[cfg(feature = "sh")]
pub mod sh;
#[cfg(feature = "ssh")]
pub mod ssh;
#[cfg(any(feature = "docker", feature = "kubernetes"))]
mod tls;

pub use register::register;

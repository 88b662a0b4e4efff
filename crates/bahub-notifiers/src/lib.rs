#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod compose;
mod delivery;
#[cfg(feature = "email")]
mod email;
#[cfg(feature = "exec")]
mod exec;
#[cfg(feature = "http")]
mod http;
mod notifications;
mod register;
mod silent;
mod template;

pub use notifications::{DeliveryFailure, Notifications, Setup};
pub use register::register;
pub use template::TemplateError;

#![doc = include_str!("../README.md")]

mod clock;
mod planner;
mod service;

pub use clock::{Clock, SystemClock};
pub use planner::{Planned, plan};
pub use service::{Ended, Made, Runner, Service};

//! The configuration: what loads, what is refused and in which words, and what a plan is made of.
#![cfg(feature = "config")]

mod errors;
mod fakes;
mod garbage;
mod plans;
mod schema;
mod seed;
mod setting;

//! What people read: numbers, moments, what a run did, and text from elsewhere made fit for one line.

mod escape;
mod summary;
mod units;

pub use escape::{escape, escape_lines, is_hostile, mask};
pub use summary::summary;
pub use units::{age, date, duration, size};

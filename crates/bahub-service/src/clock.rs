//! What time it is.

use std::fmt::Debug;

use jiff::Timestamp;

/// Tells the time. Waiting is tokio's: a clock for tests follows the time that tokio's tests let pass.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock of this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

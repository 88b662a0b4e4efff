//! Limits of time in a configuration.

use std::time::Duration;

use bahub_core::registry::SpecError;

/// A number of seconds above 0.
pub(crate) fn seconds(pointer: &str, seconds: f64) -> Result<Duration, SpecError> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| SpecError::new(pointer, format!("{seconds} is not a number of seconds above 0")))
}

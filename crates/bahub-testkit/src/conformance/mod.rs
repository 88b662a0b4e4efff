//! Conformance suites for any adapter, transport or sink, to be called by third parties' tests.
//!
//! Each suite returns a [`Report`] that lists every claim that held and every one that broke;
//! [`Report::assert_conforms`] panics with the list. A claim that cannot be tried counts as broken.

/// Ends a check with a message if a condition does not hold.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}

mod adapter;
mod registration;
mod report;
mod sink;
mod transport;

pub use adapter::{AdapterContext, LiveData, RoundTrip, adapter, adapter_round_trip, claim as adapter_claim};
pub use registration::{claim as registration_claim, registration};
pub use report::{Claim, Report, Violation};
pub use sink::{claim as sink_claim, sink};
pub use transport::{StoppedWorkload, TransportOptions, claim as transport_claim, transport};

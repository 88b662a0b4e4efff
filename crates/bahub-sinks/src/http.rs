//! The shared HTTP client, with the errors of sinks.

use bahub_core::sink::{SinkError, SinkErrorKind};

/// As [`bahub_http::client`].
pub(crate) fn client(extra: Option<&str>) -> Result<reqwest::Client, SinkError> {
    bahub_http::client(extra)
        .map_err(|error| SinkError::new(SinkErrorKind::Other, error.chain()).with_help_opt(error.help().cloned()))
}

/// The error of a request to `place` that got no answer.
#[cfg(feature = "repository")]
pub(crate) fn fault(error: reqwest::Error, place: &str) -> SinkError {
    let error = bahub_http::unreachable(error, place);
    SinkError::new(SinkErrorKind::Unreachable, error.chain()).with_help_opt(error.help().cloned())
}

//! Unguessable, unused names.

use bahub_core::run::random_hex;
use bahub_core::transport::{TransportError, TransportErrorKind};

/// This many random bytes as hexadecimal digits.
///
/// # Errors
/// An error of this kind, if the system's random source fails.
pub(crate) fn random_name(bytes: usize, kind: TransportErrorKind) -> Result<String, TransportError> {
    random_hex(bytes).map_err(|error| TransportError::new(kind, "cannot generate a random name").with_source(error))
}

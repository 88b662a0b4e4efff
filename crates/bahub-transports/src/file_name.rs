//! The names of files that are placed.

use bahub_core::transport::{PutFile, TransportError, TransportErrorKind};

/// Refuses a name that leads out of the folder, or that a shell or a file system cannot take as it is.
///
/// # Errors
/// [`TransportErrorKind::Put`] for an invalid file name.
pub(crate) fn check_name(file: PutFile<'_>) -> Result<(), TransportError> {
    match matches!(file.name, "" | "." | "..") || file.name.contains(['/', '\0', '\n']) {
        true => Err(TransportError::new(TransportErrorKind::Put, format!("{:?} is not a file name", file.name))),
        false => Ok(()),
    }
}

//! Errors of the file system, with what was done to which path.

use std::io::{Error, ErrorKind};
use std::path::Path;

use bahub_core::advice::Advice;
use bahub_core::sink::{SinkError, SinkErrorKind};

/// `doing` completes "cannot ... PATH".
pub(super) fn fault(error: Error, doing: &str, path: &Path) -> SinkError {
    let kind = kind(&error);
    SinkError::new(kind, format!("cannot {doing} {}: {error}", path.display()))
        .with_help_opt(help(kind, &error, path).map(Advice::from))
        .with_source(error)
}

/// The error of a message that could not be written to its end.
pub(super) fn write_fault(error: Error, path: &Path, written: u64) -> SinkError {
    let kind = kind(&error);
    SinkError::new(kind, format!("cannot write {} after {written} bytes: {error}", path.display()))
        .with_help_opt(help(kind, &error, path).map(Advice::from))
        .with_source(error)
}

fn kind(error: &Error) -> SinkErrorKind {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => SinkErrorKind::NoSpace,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => SinkErrorKind::Forbidden,
        ErrorKind::NotFound => SinkErrorKind::NotFound,
        _ => SinkErrorKind::Other,
    }
}

fn help(kind: SinkErrorKind, error: &Error, path: &Path) -> Option<String> {
    let folder = path.parent().unwrap_or(path).display();
    match kind {
        SinkErrorKind::NoSpace => Some(format!("free space there or use another directory; see: df -h {folder}")),
        SinkErrorKind::Forbidden if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            Some(format!("the file system is mounted read-only; see: findmnt -T {folder}"))
        }
        SinkErrorKind::Forbidden => {
            Some(format!("bahub's user must be able to read, write and enter it; see: ls -ld {folder}"))
        }
        _ => None,
    }
}

//! What ends a run before its engine does, with the exit code.

use bahub_core::exit::ExitCode;
use bahub_core::fault::Fault;

/// What failed, on what, and what to do.
pub(super) type Error = Fault<ExitCode>;

/// The command line is wrong.
pub(super) fn usage(message: impl Into<String>) -> Error {
    Error::new(ExitCode::Usage, message).with_help("backup-maker --help")
}

//! The user's own command.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use bahub_core::step::Step;

use super::table;

/// Run as the predecessor ran it, by `bash -e -o pipefail -c`, so that no failure inside of `dump | gzip` is missed. Where
/// there is no bash, by `sh` with the same options: one that knows no `pipefail` refuses, before it runs anything.
///
/// It inherits the environment, but for the variables that hold our secrets.
pub(super) fn command(text: &OsStr) -> Step {
    let mut step = Step::first_of(["bash", "sh"]).args(["-e", "-o", "pipefail", "-c"]).arg(text.as_bytes());
    step.unset = table::secret_variables().map(str::to_owned).collect();
    step
}

/// The same, reading the backup. What it puts out is shown with what it says on standard error.
pub(super) fn reading(text: &OsStr) -> Step {
    let shown = [b"exec >&2; ", text.as_bytes()].concat();
    command(OsStr::from_bytes(&shown)).reads_backup()
}

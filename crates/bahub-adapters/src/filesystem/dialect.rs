//! Which tar is there.

use bahub_core::adapter::{Findings, Probe};
use bahub_core::step::Step;

/// The name of the finding.
const TAR: &str = "tar";

/// The words that a tar understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// GNU tar: everything.
    Gnu,
    /// busybox's tar.
    Busybox,
    /// Any other, spoken to in the words that all of them share; not tested.
    Other,
}

/// Asks tar who it is. A busybox that was built without `DESKTOP` knows no `--version` and fails with 1, having said
/// nothing on standard output: an answer as well.
pub(super) fn probe() -> Probe {
    let mut step = tar().arg("--version");
    step.ok = vec![0, 1];
    Probe::tool(TAR, step)
}

/// A tar whose messages are in English and whose options come from nowhere else.
pub(super) fn tar() -> Step {
    Step::new("tar").env("LC_ALL", "C").env("TAR_OPTIONS", "")
}

impl Dialect {
    /// The dialect of the tar that was found.
    pub(super) fn of(found: &Findings) -> Self {
        match found.get(TAR) {
            Some(line) if line.contains("GNU tar") => Self::Gnu,
            Some(line) if !line.is_empty() && !line.contains("busybox") => Self::Other,
            _ => Self::Busybox,
        }
    }
}

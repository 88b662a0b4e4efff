//! Which tar is present.

use bahub_core::adapter::{Findings, Probe};
use bahub_core::step::Step;

/// The name of the finding.
const TAR: &str = "tar";

/// The options that a tar understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// GNU tar: everything.
    Gnu,
    /// busybox's tar.
    Busybox,
    /// Any other, used with the options that all of them share; not tested.
    Other,
}

/// Asks tar for its version. A busybox that was built without `DESKTOP` knows no `--version` and fails with 1 and no
/// standard output, which identifies it as well.
pub(super) fn probe() -> Probe {
    let mut step = tar().arg("--version");
    step.ok = vec![0, 1];
    Probe::tool(TAR, step)
}

/// A tar whose messages are in English and that takes no options from its environment.
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

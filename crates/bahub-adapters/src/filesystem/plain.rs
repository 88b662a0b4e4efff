//! The options that busybox's tar and any other understand. Exit codes, from busybox 1.35: 0 success, 1 anything else.

use std::path::Path;

use bahub_core::capture::Capture;
use bahub_core::replay::{Replay, Unsupported};
use bahub_core::step::Step;

use super::dialect::{Dialect, tar};
use super::member::Member;
use super::path::Names;
use super::{Filesystem, OnUnreadable};

/// Options that this tar may not know are passed anyway: it then fails at once, before it reads a file, and
/// [`super::explain`] gives the reason. Doing less than was requested would be worse.
pub(super) fn capture(fs: &Filesystem) -> Capture {
    let names = names(fs);
    let mut step = tar().args(["-c", "-f", "-", "-C", "/"]);
    if fs.one_file_system {
        step = step.arg("--one-file-system");
    }
    if fs.on_unreadable == OnUnreadable::Warn {
        step = step.arg("--ignore-failed-read");
    }
    for pattern in &fs.exclude {
        step = step.arg(format!("--exclude={}", pattern.over(names)));
    }
    step = step.arg("--").args(fs.paths.iter().map(|path| path.operand(names)));
    Capture::of(step.stderr_warns())
}

/// busybox tries a pattern at every component of a name; `./` before every name is the only way to anchor it at the first.
fn names(fs: &Filesystem) -> Names {
    if fs.exclude.iter().any(|pattern| pattern.rooted) { Names::Dotted } else { fs.names() }
}

pub(super) fn replay(
    fs: &Filesystem,
    dialect: Dialect,
    place: &Path,
    members: &[Member],
) -> Result<Replay, Unsupported> {
    let names = names(fs);
    let mut step = tar().args(["-x", "-p"]);
    if dialect == Dialect::Busybox {
        step = step.arg("-v");
    }
    if fs.numeric_owner {
        step = step.arg("--numeric-owner");
    }
    step = step.args(["-f", "-", "-C"]).arg(place.as_os_str().as_encoded_bytes()).arg("--");
    for member in members {
        step = step.arg(member.literal()?.named(names));
    }
    let mut main = vec![step.reads_backup().stderr_warns()];
    if dialect == Dialect::Busybox {
        main.push(refuse_misread_sparse_files());
    }
    Ok(Replay { main, ..Replay::default() })
}

/// Reads the names that busybox's tar lists with `-v`. To it, a sparse file from GNU tar is an ordinary file in a folder
/// `GNUSparseFile.NUMBER`, and it exits with 0. So such a name fails the restore, with status 1. The whole list is read
/// first: a tar that lost its reader would be killed by SIGPIPE.
fn refuse_misread_sparse_files() -> Step {
    let program = r"/(^|\/)GNUSparseFile\.[0-9]+\// { found = 1 } END { exit found }";
    Step::new("awk").arg(program).env("LC_ALL", "C")
}

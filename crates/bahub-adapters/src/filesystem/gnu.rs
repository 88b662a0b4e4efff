//! GNU tar's options. Exit codes, from its manual: 0 success, 1 a file changed or went away as it was read, 2 fatal.

use std::path::Path;

use bahub_core::capture::{Capture, Segment};
use bahub_core::replay::Replay;
use bahub_core::step::Step;

use super::dialect::tar;
use super::member::Member;
use super::path::{Names, SourcePath};
use super::{Filesystem, OnUnreadable};

/// Extended attributes except ACLs, which `--acls` keeps in a form that does not depend on the kernel.
const ATTRIBUTES: [&str; 4] = ["--acls", "--xattrs", "--xattrs-include=*", "--xattrs-exclude=system.posix_acl_*"];

/// pax headers keep sub-second times, and names and attributes of any length. Times of access and change are left out,
/// because they cannot be restored and they double the headers; so is the process id that tar puts in there.
const FORMAT: [&str; 2] = ["--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"];

/// Records of 256 KiB; archives with any record size can be read with it. Larger ones are not written, though they would save
/// CPU time: a `tar -t` without bahub reads records of 10 KiB, ends with the one that holds the archive's end, and so kills
/// a writer that is still writing zeros after it.
const READ_RECORDS: &str = "--blocking-factor=512";

/// An archive of the root is made of `.`; `./` is removed from its members, but never from the targets of symbolic links.
const BARE: &str = r"--transform=flags=rhS;s,^\./\(.\),\1,";

pub(super) fn capture(fs: &Filesystem) -> Capture {
    let mut segments: Vec<Segment> = match fs.on_unreadable {
        OnUnreadable::Fail => Vec::new(),
        OnUnreadable::Warn => fs.paths.iter().map(|path| Segment::of(vec![must_exist(path)])).collect(),
    };
    segments.push(Segment::of(vec![create(fs)]));
    Capture { segments, ..Capture::default() }
}

fn create(fs: &Filesystem) -> Step {
    let names = fs.names();
    let mut step = tar().args(["--create", "--file=-"]).args(FORMAT).args(ATTRIBUTES);
    if fs.sparse {
        step = step.arg("--sparse");
    }
    // A socket is the address of a running program: there is nothing in it to keep, and nothing to warn about.
    step = step.arg("--warning=no-file-ignored");
    if fs.numeric_owner {
        step = step.arg("--numeric-owner");
    }
    if fs.one_file_system {
        step = step.arg("--one-file-system");
    }
    if fs.on_unreadable == OnUnreadable::Warn {
        // A file that fails while it is read is padded with zeros, which is not the same as leaving it out.
        step = step.arg("--ignore-failed-read").fails_on(["Read error at byte"]);
    }
    if names == Names::Dotted {
        step = step.arg(BARE);
    }
    // The two options before each pattern apply until they are given again: they make it mean the same as in busybox.
    for pattern in &fs.exclude {
        let anchor = if pattern.rooted { "--anchored" } else { "--no-anchored" };
        step = step.args(["--wildcards", "--no-wildcards-match-slash", anchor]);
        step = step.arg(format!("--exclude={}", pattern.over(names)));
    }
    // Without --no-unquote, tar reads `\n` in an operand as a newline.
    step.args(["--no-unquote", "-C", "/", "--"])
        .args(fs.paths.iter().map(|path| path.operand(names)))
        .warns_on([1])
        .stderr_warns()
}

/// `--ignore-failed-read` downgrades even a path that does not exist to a warning. That must stay a failure, so every path
/// is checked by a step that writes nothing.
fn must_exist(path: &SourcePath) -> Step {
    let path = path.to_string();
    Step::new("test").args(["-e", &path, "-o", "-L", &path]).env("LC_ALL", "C")
}

pub(super) fn replay(fs: &Filesystem, place: &Path, members: &[Member]) -> Replay {
    let mut step = tar().args(["--extract", "--file=-", READ_RECORDS, "--preserve-permissions"]).args(ATTRIBUTES);
    // This host's clock may be behind the clock of the host that made the backup.
    step = step.arg("--warning=no-timestamp");
    if fs.numeric_owner {
        step = step.arg("--numeric-owner");
    }
    step = step.args(["--no-wildcards", "--no-unquote", "-C"]).arg(place.as_os_str().as_encoded_bytes());
    step = step.arg("--").args(members.iter().map(Member::as_bytes));
    Replay { main: vec![step.reads_backup().stderr_warns()], ..Replay::default() }
}

//! What tar's messages mean.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};
use bahub_core::step::Exit;

/// Texts on standard error, what they mean, and what to do. The first match is the cause, so the least ambiguous come
/// first.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["unrecognized option '--exclude", "unknown option -- exclude"],
        "this tar does not support `--exclude`: it is a busybox built without it",
        "install GNU tar there, or remove `exclude` and list only what is wanted in `paths`",
    ),
    (
        &["unrecognized option '--ignore-failed-read"],
        "`on_unreadable: warn` needs GNU tar: busybox's cannot distinguish an unreadable file from a broken archive",
        "install GNU tar there, or set `on_unreadable: fail`",
    ),
    (
        &["unrecognized option '--one-file-system"],
        "`one_file_system` needs GNU tar, which this is not",
        "install GNU tar there, or use `paths` and `exclude` instead",
    ),
    (
        &["unrecognized option '--numeric-owner"],
        "this tar cannot set owners by number",
        "install GNU tar there, or set `numeric_owner: false`",
    ),
    (
        &["Read error at byte"],
        "a file could not be read completely: its disk or file server is failing, and the rest of the file would have been stored as zeros",
        "check the disk (dmesg) and the file; `exclude` the file to back up the rest",
    ),
    (
        &["No space left on device", "Disk quota exceeded"],
        "the file system is full; what was restored so far was kept",
        "free some space, or {restore elsewhere}",
    ),
    (&["Read-only file system"], "the file system is read-only", "mount it writable, or {restore elsewhere}"),
    (
        &["ot found in archive"],
        "the backup has no file or folder of that name; everything else was restored",
        "paths in a backup are full paths without the leading slash; to list them, {download the data}, a tar archive, \
         then run `tar -tf f.tar`",
    ),
    (
        &["Cannot hard link to", "can't create hardlink"],
        "a hard link cannot be created: the file that it links to was not restored, or a file of its name exists",
        "restore that file as well; or install GNU tar there, if `paths` lists a folder and another one below it",
    ),
    (
        &["Cannot open: Permission denied", "can't open", "Cannot stat: Permission denied", "Permission denied"],
        "the user that tar runs as may not read or write a file or folder",
        "run as root; for a backup `exclude` the path, or set `on_unreadable: warn` (GNU tar only)",
    ),
    (
        &["Cannot change ownership", "Operation not permitted"],
        "only root may change the owner of files and set protected attributes",
        "run the restore as root",
    ),
    (
        &["Cannot open: File exists", "Is a directory", "Not a directory"],
        "a file or folder to restore already exists with a different type",
        "move it away, or {restore elsewhere}",
    ),
    (
        &["No such file or directory"],
        "a path of the backup does not exist, or was removed during the run",
        "check `paths`, as seen from where the transport runs tar",
    ),
    (
        &["short read"],
        "a file became shorter while it was read, which busybox's tar cannot handle",
        "run the backup when nothing writes there, or install GNU tar, which only warns",
    ),
    (
        &["does not look like a tar archive", "invalid tar magic", "Skipping to next header"],
        "the backup is not a tar archive",
        "check that this version was made by the filesystem adapter",
    ),
];

/// The meaning of a failure, if it is known.
pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match (&failure.end, failure.program.as_str()) {
        (StepEnd::NotFound, "tar") => said(
            "tar was not found next to the data",
            "install tar there (GNU tar, or busybox's), or use a transport whose image has one",
        ),
        (StepEnd::NotFound, program) => {
            said(&format!("`{program}` was not found next to the data"), "install coreutils and awk, or busybox")
        }
        (StepEnd::Ended(_), "test") => said(
            "one of `paths` does not exist",
            "check `paths`, as seen from where the transport runs; a missing path is always an error",
        ),
        (StepEnd::Ended(Exit::Code(1)), "awk") => said(
            "the backup contains sparse files in GNU tar's format, which this tar cannot read: it put them in folders `GNUSparseFile.N`",
            "install GNU tar there and restore again, then remove those folders",
        ),
        _ => KNOWN
            .iter()
            .find(|(words, ..)| words.iter().any(|word| failure.stderr.contains(word)))
            .and_then(|(_, cause, help)| said(cause, help)),
    }
}

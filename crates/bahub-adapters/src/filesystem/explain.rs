//! What tar's words mean.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};
use bahub_core::step::Exit;

/// Words on standard error, what they mean, and what to do. The first that is found is the cause, so the order is
/// from the words that leave no doubt to those that do.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["unrecognized option '--exclude", "unknown option -- exclude"],
        "this tar cannot leave anything out: it is a busybox built without `--exclude`",
        "install GNU tar there, or remove `exclude` and name in `paths` only what is wanted",
    ),
    (
        &["unrecognized option '--ignore-failed-read"],
        "`on_unreadable: warn` needs GNU tar: busybox's cannot distinguish an unreadable file from a broken archive",
        "install GNU tar there, or set `on_unreadable: fail`",
    ),
    (
        &["unrecognized option '--one-file-system"],
        "`one_file_system` needs GNU tar, and this is another one",
        "install GNU tar there, or name in `paths` and `exclude` what is wanted",
    ),
    (
        &["unrecognized option '--numeric-owner"],
        "this tar cannot set owners by number",
        "install GNU tar there, or set `numeric_owner: false`",
    ),
    (
        &["Read error at byte"],
        "a file broke while it was read: its disk or its server fails, and what follows of it would have been stored as zeros",
        "look at the disk (dmesg) and at the file; `exclude` it to keep the rest",
    ),
    (
        &["No space left on device", "Disk quota exceeded"],
        "the place of the restore is full; what was restored until then is there",
        "make room, or {restore elsewhere}",
    ),
    (
        &["Read-only file system"],
        "the place of the restore cannot be written",
        "mount it writable, or {restore elsewhere}",
    ),
    (
        &["ot found in archive"],
        "the backup has no member of that name; nothing else of it is missing",
        "names in a backup are whole paths without the leading slash; to see them, {download the data}, a tar archive, \
         then `tar -tf f.tar`",
    ),
    (
        &["Cannot hard link to", "can't create hardlink"],
        "a hard link was restored whose first name was not, or stands in its way",
        "choose that path as well; or install GNU tar there, if `paths` names a folder and one below it",
    ),
    (
        &["Cannot open: Permission denied", "can't open", "Cannot stat: Permission denied", "Permission denied"],
        "a file or folder may not be read or written by the user that tar runs as",
        "run as root; for a backup `exclude` the path, or set `on_unreadable: warn` (GNU tar only)",
    ),
    (
        &["Cannot change ownership", "Operation not permitted"],
        "only root may give files to other users and set their protected attributes",
        "run the restore as root",
    ),
    (
        &["Cannot open: File exists", "Is a directory", "Not a directory"],
        "something of another type stands where a file or folder has to go",
        "move it away, or {restore elsewhere}",
    ),
    (
        &["No such file or directory"],
        "a path of the backup does not exist, or went away",
        "check `paths`, as seen from where the transport runs tar",
    ),
    (
        &["short read"],
        "a file became shorter while it was read, which busybox's tar cannot mend",
        "run the backup when nothing writes there, or install GNU tar, which only warns",
    ),
    (
        &["does not look like a tar archive", "invalid tar magic", "Skipping to next header"],
        "the backup is no tar archive",
        "check that this version was made by the filesystem adapter",
    ),
];

/// The meaning of a failure, where it is known.
pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match (&failure.end, failure.program.as_str()) {
        (StepEnd::NotFound, "tar") => said(
            "there is no tar where the data lies",
            "install tar there (GNU tar, or busybox's), or use a transport whose image has one",
        ),
        (StepEnd::NotFound, program) => {
            said(&format!("there is no program `{program}` in that place"), "install coreutils and awk, or busybox")
        }
        (StepEnd::Ended(_), "test") => said(
            "one of `paths` does not exist",
            "check `paths`, as seen from where the transport runs; a path that does not exist is never only a warning",
        ),
        (StepEnd::Ended(Exit::Code(1)), "awk") => said(
            "the backup holds sparse files in GNU tar's form, which this tar misread: they lie in folders `GNUSparseFile.N`",
            "install GNU tar there and restore again, then remove those folders",
        ),
        _ => KNOWN
            .iter()
            .find(|(words, ..)| words.iter().any(|word| failure.stderr.contains(word)))
            .and_then(|(_, cause, help)| said(cause, help)),
    }
}

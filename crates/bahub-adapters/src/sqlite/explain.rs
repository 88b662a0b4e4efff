//! What the messages of the scripts and of sqlite3 mean.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

/// Texts on standard error, what they mean, and what to do. The first match is the cause.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["sqlite3: not found", "sqlite3: command not found"],
        "sqlite3 was not found next to the database",
        "install sqlite3 there, or use a transport whose image has it",
    ),
    (
        &["mktemp: not found", "readlink: not found", "stat: not found"],
        "a program of coreutils was not found next to the database",
        "install coreutils there, or busybox",
    ),
    (
        &["is in use", "database is locked"],
        "a program uses the database",
        "stop it, or use a transport that stops the workload; a backup waits 30 s for a lock",
    ),
    (
        &["is damaged"],
        "the database that was backed up, or the version that was restored, is damaged; the message says which",
        "restore an earlier version, or repair it with `.recover` of sqlite3; `check: false` stores and restores it as it is",
    ),
    (
        &["database or disk is full", "No space left on device", "Disk quota exceeded"],
        "the disk is full",
        "free space for a copy of the database beside it, which a backup and a restore need",
    ),
    (
        &["is encrypted or is not a database", "file is not a database"],
        "the file is not a SQLite database, or is encrypted",
        "check `path`; databases of SQLCipher and the like need the filesystem adapter, and a program that is stopped",
    ),
    (&["there is no database"], "the database does not exist", "check `path`, as seen from where the transport runs"),
    (
        &["does not exist", "cannot be entered", "is not a file"],
        "the database's folder cannot be used",
        "check `path`, as seen from where the transport runs; for a restore make the folder first",
    ),
    (
        &["not writable", "cannot be given", "ermission denied", "readonly database", "Read-only file system"],
        "the user that commands run as lacks a right on the database's folder",
        "run as root or as the owner of the database; its folder must be writable",
    ),
];

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match &failure.end {
        StepEnd::NotFound if failure.program == "sqlite3" => said(
            "sqlite3 was not found next to the database",
            "install sqlite3 there, or use a transport whose image has it",
        ),
        StepEnd::NotFound => said(
            &format!("`{}` was not found next to the database", failure.program),
            "install a shell and coreutils, or busybox",
        ),
        StepEnd::TimedOut { .. } => said(
            "the database was locked for too long",
            "a program keeps it locked: run the backup when it does not, or use a transport that stops the workload",
        ),
        _ => KNOWN
            .iter()
            .find(|(words, ..)| words.iter().any(|word| failure.stderr.contains(word)))
            .and_then(|(_, cause, help)| said(cause, help)),
    }
}

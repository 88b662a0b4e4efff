//! What the programs' messages mean; the numbers are from MariaDB's "Error Codes".

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

use super::account::PLAIN;

/// Texts on standard error, what they mean, and what to do. The first match is the cause.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &[PLAIN],
        "`tls` requires encryption, but the server does not support it",
        "give the server a certificate (`ssl_cert` and `ssl_key` in its configuration), or set `tls: { mode: prefer }`",
    ),
    (
        &["Unknown MySQL server host", "Unknown server host", "ERROR 2005", "error: 2005"],
        "the server's host name cannot be resolved",
        "check `host`, as seen from where the transport runs the client program",
    ),
    (
        &[
            "Can't connect to",
            "ERROR 2002",
            "ERROR 2003",
            "error: 2002",
            "error: 2003",
            "Connection refused",
            "Connection timed out",
        ],
        "the server cannot be reached",
        "check `host`, `port` or `socket`, as seen from where the transport runs the client program, and that the server is running",
    ),
    (
        &["a trigger names its database"],
        "a trigger of this dump names its database: in a copy it would change the original",
        "restore the version to its own name, on another server; versions made by this bahub have no such triggers",
    ),
    (
        // A refused login has no line number.
        &["ERROR 1698 (28000) at line", "ERROR 1045 (28000) at line"],
        "the account that restores may not grant one of the grants in the backup; the databases were restored, but not that grant and those after it",
        "docs/adapters/mysql.md lists the grants that a restore of users needs; to see that grant: {download the data}, then sed -n LINEp FILE",
    ),
    (
        &["ERROR 1045", "error: 1045", "ERROR 1698", "error: 1698"],
        "the login was refused",
        "check `user` and `password`, and that the user may connect from that host",
    ),
    (
        &["ERROR 2026", "error: 2026"],
        "the connection cannot be encrypted as `tls` requires",
        "check `tls`, and the server's certificate, its host name and its CA",
    ),
    (&["ERROR 1049", "error: 1049"], "there is no database of that name", "check `database` or `databases`"),
    (
        &["ERROR 1007", "error: 1007"],
        "a database of that name already exists and would have been overwritten",
        "choose another name, or drop that database",
    ),
    (
        &["ERROR 1153", "error: 1153", "max_allowed_packet"],
        "a row is larger than the server accepts in one packet",
        "raise the server's `max_allowed_packet`: binary data is twice as large in a dump",
    ),
    (
        &[
            "ERROR 1044",
            "ERROR 1142",
            "ERROR 1143",
            "ERROR 1227",
            "ERROR 1370",
            "error: 1044",
            "error: 1142",
            "error: 1227",
            "insufficient privileges",
            "denied",
        ],
        "the user lacks a right",
        "docs/adapters/mysql.md lists the grants that a backup and a restore need",
    ),
    (
        &["ERROR 2006", "ERROR 2013", "error: 2013", "Lost connection", "gone away"],
        "the server ended the connection",
        "check the server's log: it was stopped, or killed the connection",
    ),
    (
        &["at line"],
        "the server rejected the statement at that line of its input",
        "the message has the error; to see the statement: {download the data}, then sed -n LINEp FILE",
    ),
];

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match &failure.end {
        StepEnd::NotFound if failure.program == "sed" => said(
            "sed was not found where the client program runs",
            "install sed or busybox there, or set `users: false`",
        ),
        StepEnd::NotFound => said(
            &format!("{} was not found where the transport runs commands", failure.program),
            "install the client programs there (mariadb-client), or use a transport whose image has them",
        ),
        StepEnd::TimedOut { .. } => said(
            "the server did not answer in time",
            "check `host` and `port`, as seen from where the transport runs the client program: a firewall may drop packets",
        ),
        _ => {
            let known = KNOWN.iter().find(|(words, ..)| words.iter().any(|word| failure.stderr.contains(word)));
            known.and_then(|(_, cause, help)| said(cause, help))
        }
    }
}

//! What the programs' messages mean; the numbers are from MariaDB's "Error Codes".

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

use super::account::{PLAIN, PLAIN_ON_MYSQL};

/// Texts on standard error, what they mean, and what to do. The first match is the cause.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &[PLAIN, PLAIN_ON_MYSQL],
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
        &[super::copy::TRIGGER],
        "a trigger of this dump names its database, or is written so that this cannot be excluded: in a copy it could change the original",
        "restore the version to its own name, on another server; versions made by this bahub have no such triggers",
    ),
    (
        &[super::copy::EVENT],
        "an event of this dump is written so that it cannot be disabled: in a copy it would run a second time",
        "restore the version to its own name, on another server; versions made by this bahub have no such events",
    ),
    (
        &[super::columns::UNREADABLE],
        "the columns of a trigger (UPDATE OF) cannot be read, because of a comment or another event in its head",
        "create the trigger that the message names again, in plain words: BEFORE UPDATE OF a, b ON t FOR EACH ROW ...",
    ),
    (
        &[super::swap::TOO_MANY],
        "the restored tables cannot be moved to the old database by the server's statements",
        "raise the server's `max_allowed_packet` (SET GLOBAL max_allowed_packet = 1073741824), or {restore in place}",
    ),
    (
        &[super::swap::NOT_MOVED],
        "not all restored tables could be moved to the old name",
        "they are in the databases called `__bahub_new_...`: restore again, or move them by RENAME TABLE",
    ),
    (
        // A refused login has no line number.
        &["ERROR 1698 (28000) at line", "ERROR 1045 (28000) at line"],
        "the server refused a statement for lack of rights: perhaps one of the grants in the backup",
        "docs/adapters/mysql.md lists the grants that a restore of users needs; to see that grant: {download the data}, then sed -n LINEp FILE",
    ),
    (
        &["ERROR 1045", "error: 1045", "ERROR 1698", "error: 1698"],
        "the login was refused",
        "check `user` and `password`, that the user may connect from that host, and whether the server wants encryption (`tls`)",
    ),
    (
        &["ERROR 2026", "error: 2026"],
        "the connection cannot be encrypted as `tls` requires",
        "check `tls`, and the server's certificate, its host name and its CA",
    ),
    (
        &["ERROR 3159", "error: 3159"],
        "the server accepts encrypted connections only",
        "set `tls: { mode: require }` in place of `disable` or `prefer`",
    ),
    (
        &["ERROR 2061", "error: 2061"],
        "the account's password can only be sent over an encrypted connection (caching_sha2_password)",
        "set `tls: { mode: require }`, connect through `socket`, or give the server a certificate",
    ),
    (
        &["ERROR 2059", "error: 2059", "ERROR 1524", "error: 1524"],
        "the account logs in by a method that the server or the client program does not have (such as mysql_native_password, gone in MySQL 9)",
        "install client programs of the server's release; or give the account another method: on MySQL, \
         ALTER USER ... IDENTIFIED WITH caching_sha2_password BY '...'",
    ),
    (
        &["ERROR 1418"],
        "the server writes a binary log, and a function of the backup declares neither DETERMINISTIC nor NO SQL nor READS SQL DATA",
        "SET GLOBAL log_bin_trust_function_creators = ON during the restore, as it was when the function was created",
    ),
    (
        &["ERROR 1419"],
        "the server writes a binary log and lets only administrators create functions and triggers",
        "SET GLOBAL log_bin_trust_function_creators = ON during the restore; or restore as an administrator (SUPER)",
    ),
    (
        &["ERROR 1273", "ERROR 1115", "ERROR 4161"],
        "the server does not know a collation, character set or data type of the backup",
        "the message names it: restore to a server of the release that made the backup, or later (utf8mb4_0900_* is MySQL's, \
         utf8mb4_uca1400_* MariaDB's of 11.5 and later); or {download the data} and replace it there",
    ),
    (
        &["ERROR 1128", "ERROR 1126", "ERROR 1286"],
        "the server lacks a plugin or storage engine of the backup",
        "the message names it: INSTALL SONAME or INSTALL PLUGIN on the server; a full-text index may need its parser (ngram)",
    ),
    (
        &["ERROR 1356", "error: 1356"],
        "a view no longer works: tables, columns or rights that it needs are gone",
        "in a backup: repair or drop the view that the message names, or set `on_invalid_view: skip` to leave such views out; \
         in a restore it may need what this database has lost: {restore in place}",
    ),
    (
        &["ERROR 1049", "error: 1049"],
        "there is no database of that name",
        "check `database` or `databases`; in a restore a view may need another database: restore that one first",
    ),
    (
        &["ERROR 1007", "error: 1007"],
        "a database of that name already exists and would have been overwritten",
        "choose another name, or drop that database",
    ),
    (
        &["ERROR 1153", "error: 1153", "max_allowed_packet"],
        "a row is larger than the server accepts in one packet",
        "raise the server's `max_allowed_packet` (SET GLOBAL max_allowed_packet = 1073741824): binary data is twice as large in a dump",
    ),
    (
        &["ERROR 1044", "error: 1044"],
        "the user lacks a right on the database, or there is no database of that name",
        "check the name, and the user's rights: docs/adapters/mysql.md lists what a backup and a restore need. A restore fills \
         databases called `__bahub_new_...` first; without the right to create them, {restore in place}",
    ),
    (
        &[
            "ERROR 1142",
            "ERROR 1143",
            "ERROR 1227",
            "ERROR 1370",
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
        "check the server's log: it was stopped, killed the connection, or got a row larger than its `max_allowed_packet`",
    ),
    (
        &["ERROR 1146"],
        "a statement of the backup needs a table that is not there",
        "if it is one of another database, restore that one first; if it is one of this database that was lost, {restore in place}",
    ),
    (
        &["at line"],
        "the server rejected a statement of the backup",
        "the message has the error, and the line in the part of the backup that was being restored; to see all of it: {download the data}",
    ),
];

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match &failure.end {
        StepEnd::NotFound if failure.program == "sed" => {
            said("sed was not found where the client program runs", "install sed or busybox there")
        }
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

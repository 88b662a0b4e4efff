//! What the programs' messages mean: SQLSTATEs where psql prints them, libpq's own texts for what happens before a session.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

use super::preflight::OBJECTION;

/// Texts on standard error, what they mean, and what to do. The first match is the cause.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["there is a database"],
        "a database of that name already exists and would have been overwritten",
        "choose another name, or drop that database",
    ),
    (
        &["the backup ends transactions of its own"],
        "the backup contains large objects, which cannot be restored in one transaction; the database is unchanged",
        "{restore as a copy that takes the name}",
    ),
    (
        &[OBJECTION],
        "the user lacks a right",
        "the message names it; docs/adapters/postgres_dump.md lists what a backup and a restore need",
    ),
    (
        &["server version mismatch", "aborting because of server version"],
        "the program is older than the server",
        "install the client programs of the server's release there (postgresql-client)",
    ),
    (
        &["could not translate host name"],
        "the server's host name cannot be resolved",
        "check `host`, as seen from where the transport runs the client program",
    ),
    (
        &[
            "password authentication failed",
            "no password supplied",
            "Peer authentication failed",
            "no pg_hba.conf entry",
            "authentication failed",
        ],
        "the login was refused",
        "check `user` and `password`, and that the server's pg_hba.conf lets the user in from that host",
    ),
    (
        &[
            "server does not support SSL",
            "SSL error",
            "certificate verify failed",
            "root certificate file",
            "sslmode value",
        ],
        "the connection cannot be encrypted as `sslmode` requires",
        "check `sslmode`, and the server's certificate, its host name and its CA",
    ),
    (
        &[
            "Connection refused",
            "timeout expired",
            "No route to host",
            "Network is unreachable",
            "Connection timed out",
            "Is the server running",
        ],
        "the server cannot be reached",
        "check `host`, `port` or `socket`, as seen from where the transport runs the client program, and that the server is running",
    ),
    (
        &[" 55006: ", "being accessed by other users"],
        "the database is still in use: by a session that the user may not end, or by a prepared transaction",
        "stop the clients of the database, or restore as a user that may end their sessions (pg_signal_backend)",
    ),
    (
        &[" 53100: ", "No space left on device"],
        "the server's disk is full",
        "free space for a second copy of the database, or {restore in place}",
    ),
    (
        &[" 53200: ", "out of shared memory"],
        "the server cannot hold that many locks in one transaction",
        "raise its `max_locks_per_transaction`, or {restore as a copy that takes the name}",
    ),
    (
        &[
            " 42501: ",
            "permission denied",
            "must be owner",
            "must be superuser",
            "row-level security",
            "22023: role",
            "not permitted",
        ],
        "the user lacks a right",
        "docs/adapters/postgres_dump.md lists what a backup and a restore need",
    ),
    (
        &["42704: role", "42704: ERROR:  role"],
        "a role that owns objects in the backup does not exist",
        "create the role first: from a backup of all databases, or with CREATE ROLE",
    ),
    (
        &[
            " 57P01: ",
            "terminating connection",
            "server closed the connection",
            "connection to server was lost",
            " 57P03: ",
            " 57P02: ",
        ],
        "the server ended the connection",
        "check the server's log: it was stopped, or ended the session",
    ),
    (
        &["invalid command \\restrict"],
        "psql is older than the dump program that made the backup",
        "update the client programs there (postgresql-client)",
    ),
];

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    let stderr = failure.stderr.as_str();
    match &failure.end {
        StepEnd::NotFound => said(
            &format!("{} was not found where the transport runs commands", failure.program),
            "install the client programs there (postgresql-client), or use a transport whose image has them",
        ),
        StepEnd::TimedOut { .. } => said(
            "the server did not answer in time",
            "check `host` and `port`, as seen from where the transport runs the client program: a firewall may drop packets",
        ),
        StepEnd::Incomplete if failure.program == "psql" => said(
            "the transaction of the restore was not committed; the database is unchanged",
            "the programs' messages before this one say why; the backup may contain commands that end psql",
        ),
        _ if stderr.contains("database \"") && stderr.contains("does not exist") => said(
            "there is no database of that name",
            "check `database` or `databases`; a restore in place needs an existing database",
        ),
        _ => KNOWN
            .iter()
            .find(|(words, ..)| words.iter().any(|word| stderr.contains(word)))
            .and_then(|(_, cause, help)| said(cause, help)),
    }
}

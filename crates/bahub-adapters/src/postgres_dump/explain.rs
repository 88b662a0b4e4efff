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
        &[super::preflight::POOLED],
        "the server is reached through a pooler that gives one session to several clients: they would get each other's locks and settings",
        "connect to the server itself, or through a pool of whole sessions (PgBouncer: `pool_mode = session`)",
    ),
    (
        &["disable them first"],
        "the old database has enabled subscriptions, and would go on receiving changes beside the restored one",
        "ALTER SUBSCRIPTION ... DISABLE in it first, or restore without keeping the old database",
    ),
    (
        &[OBJECTION],
        "the user lacks a right",
        "the message names it; docs/adapters/postgres_dump.md lists what a backup and a restore need",
    ),
    (
        &["server version mismatch", "aborting because of server version"],
        "pg_dump is older than the server",
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
        &["active logical replication slot", "is used by an active"],
        "a replication slot of the database is in use",
        "stop its subscriber, or drop the slot: SELECT pg_drop_replication_slot(...)",
    ),
    (
        &[" 55006: ", "being accessed by other users"],
        "the database is still in use: by a session that the user may not end, or by a prepared transaction",
        "stop the clients of the database, or restore as a user that may end their sessions: pg_signal_backend, or for those of superusers a superuser",
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
        &["role \"pg_"],
        "the backup names a role of a newer PostgreSQL, which this server does not have",
        "restore on a server of the release that it was made on; or take that role from its members there, and make a backup again",
    ),
    (
        &[
            "invalid locale name",
            "invalid builtin provider locale",
            "ICU locale",
            "collation provider",
            "could not create locale",
            "locale provider",
            "option \"builtin_locale\" not recognized",
            "option \"icu_rules\" not recognized",
        ],
        "this server does not have the locale of the database; the message names both",
        "install it on the server's host (Debian: package locales, `dpkg-reconfigure locales`; then restart PostgreSQL); \
         builtin locales need the release that has them (C.UTF-8: 17, PG_UNICODE_FAST: 18)",
    ),
    (
        &[
            "is not available",
            "extension control file",
            "could not access file",
            "can only create extension in database",
            "must be loaded via",
        ],
        "the server cannot make an extension of the database; the message names it",
        "install its package on the server, and what it needs in `shared_preload_libraries`; pg_cron is made in one database only: \
         {restore in place} there",
    ),
    (
        &["tablespace \""],
        "a tablespace of the backup is missing, or its folder is",
        "on the server's host make the folder that the message names, empty and owned by the server's user; or CREATE TABLESPACE by hand",
    ),
    (
        &[
            "could not set permissions on directory",
            " 58P01: directory",
            "ERROR:  directory \"",
            "is not empty\nLOCATION:  create_tablespace",
            "already in use as a tablespace",
        ],
        "the folder of a tablespace is missing on the server's host, or is not free",
        "make the folder that the message names, empty and owned by the server's user; or CREATE TABLESPACE elsewhere by hand: one that exists is left as it is",
    ),
    (
        &["unsupported version (1."],
        "the archive was made by a newer pg_dump than the pg_restore there can read",
        "install the client programs of that release or a later one there: the format 1.15 needs 16, and 1.16 needs 17",
    ),
    (
        &["backslash commands are restricted", "which could make the program"],
        "the backup contains a command for psql, which could run programs there; nothing was changed",
        "a dump by pg_dump has none, but for `\\connect` with `--create`: {download the data} and look at it; it may have been tampered with",
    ),
    (
        &["CREATE DATABASE cannot run inside", "DROP DATABASE cannot run inside", "25001: "],
        "the backup is a dump with `--create` or of a whole server, which makes databases of its own",
        "{download the data}, and run it with psql on an empty server",
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
        &[
            " 42883: ",
            " 42P01: ",
            "ERROR:  function ",
            "ERROR:  relation ",
            "ERROR:  operator does not exist",
            "ERROR:  type \"",
        ],
        "the restored SQL names something that is not there: a dump is restored with an empty search path, and so are the functions that it \
         calls for generated columns, checks, indexes and materialised views; or it drops what a new database does not have (`--clean` \
         without `--if-exists`)",
        "in the original give the function that the message is about a path, `ALTER FUNCTION ... SET search_path = public, pg_temp`, and make \
         a backup again; for this version: {download the data}, and restore it by hand",
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

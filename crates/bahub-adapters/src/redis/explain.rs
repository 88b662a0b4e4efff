//! What the messages of the client program, of a server and of the scripts mean.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

/// Texts on standard error, what they mean, and what to do. The first match is the cause.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["keys of a killed restore"],
        "what a killed restore has left on the server cannot be removed",
        "run `redis-cli -n NUMBER FLUSHDB` for each database that the message names, and no other; or {recover what killed runs left} as the user that restores",
    ),
    (
        &["there is no redis-cli"],
        "the client program was not found where the transport runs commands",
        "install redis-tools or valkey-tools there, or use a transport whose image has them",
    ),
    (
        &["there is no redis-server"],
        "a restore loads the data into a temporary server, whose program was not found where the transport runs commands",
        "install redis-server or valkey-server there, or use a transport whose image has it",
    ),
    (
        &["node of a cluster"],
        "the server is a node of a cluster",
        "the adapter does not support clusters: a backup of one node is no backup of the cluster",
    ),
    (
        &["is a replica", "READONLY"],
        "the server is a replica, which takes no writes",
        "set `host` to its master; a backup of a replica is possible",
    ),
    (
        &["too few databases"],
        "the server has too few databases",
        "raise `databases` in the server's configuration; or {restore elsewhere}, and start a server with that file",
    ),
    (
        &["maxmemory is", "OOM command not allowed"],
        "the server may not use enough memory for the data in use and the backup at once",
        "raise `maxmemory`; or {restore elsewhere}, and start a server with that file",
    ),
    (
        &["cannot be loaded"],
        "the backup cannot be loaded: it is damaged, of a newer release, or needs a module that the program does not have",
        "install the server's release where the transport runs commands, or restore another version; nothing was changed",
    ),
    (
        &["DUMP payload version or checksum are wrong"],
        "the server is older than the program that loaded the backup",
        "install the server's release where the transport runs commands, or restore to a newer server; nothing was changed",
    ),
    (
        &["WRONGPASS", "NOAUTH", "AUTH failed", "invalid password"],
        "the login was refused",
        "check `user` and `password`",
    ),
    (
        &["NOPERM", "can't run this command", "has no permissions to run"],
        "the user lacks a right",
        "the message names the command; docs/adapters/redis.md lists what a backup and a restore need",
    ),
    (
        &["SSL_connect", "certificate verify failed"],
        "the connection cannot be encrypted as `tls` requires",
        "check `tls`, and the server's certificate, its host name and its CA",
    ),
    (
        &[
            "Could not connect",
            "Connection refused",
            "Name or service not known",
            "Connection timed out",
            "No route to host",
        ],
        "the server cannot be reached",
        "check `host`, `port` or `socket`, as seen from where the transport runs commands, and that the server is running",
    ),
    (
        &["I/O Error reading", "Error reading bulk length", "Server closed the connection", "Error: Connection reset"],
        "the server ended the connection",
        "check the server's log: it was stopped, or its client-output-buffer-limit for replicas is too small",
    ),
    (
        &["No space left on device", "Disk quota exceeded"],
        "the disk is full",
        "free space in `work_folder` for the data, or choose another folder",
    ),
    (&["there is a file"], "a file of that name exists and would have been overwritten", "choose an empty folder"),
];

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: &str, help: &'static str| Some(Diagnosis { cause: cause.to_owned(), help: help.into() });
    match &failure.end {
        StepEnd::NotFound => said(
            &format!("{} was not found where the transport runs commands", failure.program),
            "install the programs there (redis-tools and redis-server, or Valkey's), or use a transport whose image has them",
        ),
        StepEnd::TimedOut { .. } => said(
            "the server did not answer in time",
            "check `host` and `port`, as seen from where the transport runs commands: a firewall may drop packets",
        ),
        _ => KNOWN
            .iter()
            .find(|(words, ..)| words.iter().any(|word| failure.stderr.contains(word)))
            .and_then(|(_, cause, help)| said(cause, help)),
    }
}

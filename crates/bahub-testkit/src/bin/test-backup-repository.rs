//! A Backup Repository for shell tests and curl; it prints its URL and runs until it is killed.

use std::{process::ExitCode, time::Duration};

use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: test-backup-repository --token TOKEN --collection ID[:MAX_VERSIONS] ...
    [--listen 127.0.0.1:PORT]   where to listen; a free port by default
    [--user NAME:PASSWORD]      who may log in; the token is this user's (default: test:test)
    [--dir DIR]                 where a temporary folder for the bodies is made
    [--delay MILLISECONDS]      the wait before a version is registered (default: 2000)";

#[derive(Debug)]
struct Arguments {
    settings: Settings,
    tokens: Vec<String>,
    collections: Vec<(String, Limits)>,
    user: (String, String),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let server = BackupRepository::start_with(arguments.settings).await;
    let (user, password) = &arguments.user;
    server.add_user(user, password, &[Role::BackupUploader, Role::BackupDownloader]);
    for token in &arguments.tokens {
        server.add_token(user, token);
    }
    for (id, limits) in arguments.collections {
        server.add_collection(&id, limits);
    }
    println!("{}", server.url());
    stopped().await;
    ExitCode::SUCCESS
}

/// Waits for SIGINT or SIGTERM, so that the server can still remove its folder.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        settings: Settings::default(),
        tokens: Vec::new(),
        collections: Vec::new(),
        user: ("test".to_owned(), "test".to_owned()),
    };
    while let Some(option) = words.next() {
        let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
        let invalid = || format!("{option} cannot be {value:?}");
        match option.as_str() {
            "--listen" => arguments.settings.listen = value.parse().map_err(|_| invalid())?,
            "--token" => arguments.tokens.push(value),
            "--collection" => arguments.collections.push(collection(&value).ok_or_else(invalid)?),
            "--user" => {
                let (name, password) = value.split_once(':').ok_or_else(invalid)?;
                arguments.user = (name.to_owned(), password.to_owned());
            }
            "--dir" => arguments.settings.dir = Some(value.into()),
            "--delay" => {
                arguments.settings.registration_delay = Duration::from_millis(value.parse().map_err(|_| invalid())?);
            }
            _ => return Err(format!("unknown option {option}")),
        }
    }
    if arguments.collections.is_empty() {
        return Err("at least one --collection is needed".to_owned());
    }
    Ok(arguments)
}

fn collection(text: &str) -> Option<(String, Limits)> {
    let (id, max_versions) = match text.split_once(':') {
        Some((id, number)) => (id, number.parse().ok()?),
        None => (text, Limits::default().max_versions),
    };
    Some((id.to_owned(), Limits { max_versions, ..Limits::default() }))
}

//! The configuration that `ssh` is started with: what must hold, then the user's own.

use std::time::Duration;

use super::target::{Target, quoted};

/// After so long without a byte the server is asked for a sign of life.
const ALIVE_INTERVAL: Duration = Duration::from_secs(6);
/// So many may stay without an answer; after the next silence the connection is given up: 24 seconds in all, so that a
/// run notices within 30.
const ALIVE_COUNT: u32 = 3;

/// Of each option ssh takes the first value that it meets, so that the user's files cannot undo these. `ssh` hands the file
/// on to the hosts on the way, so that their keys are held to the same.
pub(super) fn configuration(target: &Target) -> String {
    let mut lines = vec![
        "BatchMode yes".to_owned(),
        "StrictHostKeyChecking yes".to_owned(),
        format!("ConnectTimeout {}", target.connect_timeout.as_secs()),
        format!("ServerAliveInterval {}", ALIVE_INTERVAL.as_secs()),
        format!("ServerAliveCountMax {ALIVE_COUNT}"),
        // What an interactive login may want, and a backup does not.
        "ClearAllForwardings yes".to_owned(),
        "ForwardAgent no".to_owned(),
        "ForwardX11 no".to_owned(),
        "PermitLocalCommand no".to_owned(),
        "RemoteCommand none".to_owned(),
        // A quiet one would not tell why it failed.
        "LogLevel ERROR".to_owned(),
    ];
    lines.extend(target.known_hosts.as_deref().map(|path| format!("UserKnownHostsFile {}", quoted(path))));
    lines.extend(target.identity_file.as_deref().map(|path| format!("IdentityFile {}", quoted(path))));
    match &target.config_file {
        Some(path) => lines.push(format!("Include \"{}\"", path.display())),
        None => lines.extend(["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"].map(str::to_owned)),
    }
    lines.join("\n") + "\n"
}

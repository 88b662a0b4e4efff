//! The configuration that `ssh` is started with: mandatory options, then the user's own.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use bahub_core::transport::{TransportError, TransportErrorKind};

use super::target::{Target, quoted};

/// After this long without a byte the server is asked for a sign of life.
const ALIVE_INTERVAL: Duration = Duration::from_secs(6);
/// This many may remain unanswered; after the next silence the connection is given up: 24 seconds in all, so that a run
/// notices within 30.
const ALIVE_COUNT: u32 = 3;

/// ssh uses the first value of each option, so that the user's files cannot override these. `ssh` also uses the file for
/// jump hosts, so that their keys are checked in the same way.
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
        // With it ssh would not report why it failed.
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

/// Refuses a `~/.ssh/config` that others may write: it can start programs. `ssh` checks it only if it finds it itself.
///
/// # Errors
/// [`TransportErrorKind::Refused`], naming the file.
pub(super) fn check_owner(target: &Target) -> Result<(), TransportError> {
    let path = std::env::home_dir().filter(|_| target.config_file.is_none()).map(|home| home.join(".ssh/config"));
    let Some((path, found)) = path.and_then(|path| path.metadata().ok().map(|found| (path, found))) else {
        return Ok(());
    };
    if is_ours_alone(&found) {
        return Ok(());
    }
    let message = format!("{} is writable by other users", path.display());
    Err(TransportError::new(TransportErrorKind::Refused, message)
        .with_help("chmod 600 and chown it, as ssh itself requires"))
}

fn is_ours_alone(found: &Metadata) -> bool {
    let ours = [0, rustix::process::getuid().as_raw()].contains(&found.uid());
    ours && found.mode() & 0o022 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_the_group_may_write_is_not_ours_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, alone) in [(0o600, true), (0o644, true), (0o664, false), (0o606, false)] {
            file.as_file().set_permissions(PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(is_ours_alone(&file.as_file().metadata().unwrap()), alone, "{mode:o}");
        }
    }
}

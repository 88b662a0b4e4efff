//! What an `ssh` is asked that is a client of a running master.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

/// How long a master may take to answer. It does not need the network for that.
const ANSWER: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// A master's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It does so.
    Yes,
    /// There is no master.
    No,
    /// No answer in time.
    Silence,
}

/// An `ssh` that talks to a master, and never opens its own connection.
pub(super) fn client(socket: &Path) -> Command {
    let mut command = Command::new("ssh");
    // No configuration: the connection has it already.
    command.args(["-F", "/dev/null", "-o", "ProxyCommand=false", "-o", "BatchMode=yes", "-S"]).arg(socket);
    command.kill_on_drop(true);
    command
}

fn request(socket: &Path, what: impl AsRef<OsStr>) -> Command {
    let mut command = client(socket);
    command.arg("-O").arg(what).args(["--", "none"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Asks the master at a socket for something, `check` or `exit`.
pub(super) async fn ask(socket: &Path, what: &str) -> Answer {
    match tokio::time::timeout(ANSWER, request(socket, what).status()).await {
        Ok(Ok(status)) if status.success() => Answer::Yes,
        Ok(_) => Answer::No,
        Err(_) => Answer::Silence,
    }
}

/// Asks a master to exit, without a runtime, which may be gone by now; returns whether it is gone.
pub(super) fn asked_to_end(socket: &Path) -> bool {
    let Ok(mut child) = request(socket, "exit").into_std().spawn() else { return false };
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(None) if began.elapsed() < ANSWER => std::thread::sleep(POLL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
            Ok(Some(_)) => return true,
            Err(_) => return false,
        }
    }
}

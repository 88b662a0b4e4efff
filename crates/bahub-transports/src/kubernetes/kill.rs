//! Killing programs in a container, and removing the folders that were created there.

use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{TransportError, TransportErrorKind};
use tokio::time::{Instant, sleep};

use super::container::{Container, ScriptOutput};
use super::folder::CANDIDATES;
use crate::exec_mark::{FIND_MARKED, KILL_MARKED};

/// How long it may take.
const END: Duration = Duration::from_secs(60);

/// How long a cluster may take to learn that a container ended, and to start the next one.
const LEARNS: Duration = Duration::from_secs(30);

/// Removes the folders that the arguments name, wherever they were created.
const REMOVE: &str = r#"
for name in "$@"; do rm -rf "${d%/}/$name" || stays="$stays ${d%/}/$name"; done; done
[ -z "$stays" ] || { echo "$stays" >&2; exit 4; }
exit ${blind:-0}
"#;

/// What became of programs and folders.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KillOutcome {
    /// They were killed, and the folders removed.
    Swept,
    /// The container is gone, or does not run, so the programs are gone too.
    Gone,
    /// The container's image has no means to look for programs.
    Blind,
    /// Something remains, for this reason.
    Stays(String),
}

/// Kills the programs with this mark, and removes the folders with these names.
pub(super) async fn end(container: &Container, mark: &str, folders: &[&str]) -> KillOutcome {
    let script = format!("stays=; blind=; {KILL_MARKED}shift\n{CANDIDATES}{REMOVE}");
    let arguments: Vec<_> = std::iter::once(mark).chain(folders.iter().copied()).collect();
    let began = Instant::now();
    loop {
        let error = match container.script(&script, &arguments, b"", END).await {
            Ok(ScriptOutput { exit: Exit::Code(0), .. }) => return KillOutcome::Swept,
            Ok(ScriptOutput { exit: Exit::Code(3), .. }) => return KillOutcome::Blind,
            Ok(ScriptOutput { exit, stderr, .. }) => format!("{exit}: {stderr}"),
            // Without a shell nothing was started there, and no folder created.
            Err(error) if error.kind() == TransportErrorKind::Put => return KillOutcome::Swept,
            Err(error) => error.chain(),
        };
        // The cluster learns a moment later that a container has ended.
        if matches!(container.is_up().await, Ok(false)) {
            return KillOutcome::Gone;
        }
        if began.elapsed() > LEARNS {
            return KillOutcome::Stays(error);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Whether a program with this mark may be alive; false if the cluster does not answer.
pub(super) async fn may_live(container: &Container, mark: &str) -> bool {
    match container.script(FIND_MARKED, &[mark], b"", END).await {
        Ok(said) => said.exit != Exit::Code(1),
        Err(error) => error.kind() == TransportErrorKind::Exec,
    }
}

/// The error for what remains.
pub(super) fn stays(container: &Container, what: &str, why: &str) -> TransportError {
    let at = &container.at;
    let message = format!("cannot stop {what} in {at}: {why}");
    let look = format!("exec {} -c {} -- ps", at.pod, at.container);
    let help = format!(
        "see what is running with: {}; the agent stops by itself once it is disconnected",
        container.cluster.kubectl(&at.namespace, &look)
    );
    TransportError::new(TransportErrorKind::Undo, message).with_help(help)
}

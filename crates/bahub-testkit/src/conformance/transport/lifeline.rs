//! A pipe in the target whose end shows that all processes that held it are gone: no process list needed, and zombies do not count.

use std::time::Duration;

use bahub_core::transport::{Process, Session};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::super::report::Checked;
use super::program::{script, start};

/// How long programs may live after they should end: the 30 seconds of a dead link are the worst case.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// One program that holds the pipe (`$1`) and sleeps.
pub(super) const HOLD: &str = "exec 3<>\"$1\"; echo alive >&3; exec sleep 600";
/// A tree of programs that hold it, some of them without a living parent.
pub(super) const HOLD_AS_TREE: &str =
    "exec 3<>\"$1\"; sleep 600 & (sleep 600 & sh -c 'sleep 600 & wait' & wait) & (sleep 600 &); echo alive >&3; wait";

/// The pipe.
pub(super) struct Lifeline {
    path: String,
}

/// The pipe, watched by a program of another session.
pub(super) struct Watched {
    path: String,
    watcher: Process,
}

impl Lifeline {
    pub(super) async fn make(session: &mut dyn Session, scratch: &str) -> Checked<Self> {
        let path = format!("{scratch}/bahub-conformance-{}", crate::fixtures::unique());
        script(session, "mkfifo \"$1\"", &[&path]).await?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Starts to watch, and waits until a process holds it.
    pub(super) async fn watch(self, session: &mut dyn Session) -> Checked<Watched> {
        let mut watcher = start(session, &["cat", &self.path]).await?;
        let mut alive = [0; 6];
        let read = timeout(PATIENCE, watcher.stdout.read_exact(&mut alive)).await;
        ensure!(matches!(read, Ok(Ok(_))) && &alive == b"alive\n", "the program that should live does not start");
        Ok(Watched { path: self.path, watcher })
    }
}

impl Watched {
    /// Waits until no process holds it, and removes it.
    pub(super) async fn ended(mut self, session: &mut dyn Session, after: &str) -> Checked {
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, self.watcher.stdout.read_to_end(&mut rest)).await;
        let removed = script(session, "rm -f \"$1\"", &[&self.path]).await;
        match ended {
            Ok(Ok(_)) => removed.map(drop),
            Ok(Err(error)) => Err(format!("the watch broke: {error}")),
            Err(_) => Err(format!("{} s after {after} its programs live", PATIENCE.as_secs())),
        }
    }
}

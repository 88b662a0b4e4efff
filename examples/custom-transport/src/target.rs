//! The process whose namespaces are used.

use std::path::PathBuf;

use bahub_core::instance::{Identity, InstanceKind};
use bahub_core::transport::{TransportError, TransportErrorKind};

/// How the configuration names it.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Pid(u32),
    File(PathBuf),
}

/// A process by its number and its start time: once it has ended, its number may be reused.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) pid: u32,
    started: String,
}

impl Target {
    /// # Errors
    /// [`TransportErrorKind::Unreachable`] if there is no such process.
    pub(crate) fn find(named: &Named) -> Result<Self, TransportError> {
        let unreachable = |message: String| TransportError::new(TransportErrorKind::Unreachable, message);
        let pid = match named {
            Named::Pid(pid) => *pid,
            Named::File(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let help = "check that the service runs, and that this user may read the file";
                    unreachable(format!("cannot read {}: {error}", file.display())).with_help(help)
                })?;
                let number = text.trim().parse().ok().filter(|pid| *pid > 0);
                number.ok_or_else(|| unreachable(format!("{} contains no process id", file.display())))?
            }
        };
        let started = started(pid).ok_or_else(|| {
            unreachable(format!("there is no process {pid}")).with_help("check that the service runs: ps -p PID")
        })?;
        Ok(Self { pid, started })
    }

    /// The process: a service is recognised by its program, and a restarted one is another instance of it.
    pub(crate) fn identity(&self) -> Identity {
        let program = std::fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        let id = format!("{} since {}", self.pid, self.started);
        Identity::new(InstanceKind::Other, format!("process {}", program.trim())).with("id", id)
    }

    /// Whether it still exists.
    pub(crate) fn lives(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// Field 22 of `stat` (proc_pid_stat(5)); a zombie does not count.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    fields.nth(18).filter(|_| state != "Z").map(str::to_owned)
}

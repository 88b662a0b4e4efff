//! The user's own command, as an adapter.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::Capture;
use bahub_core::replay::{Replay, ReplayTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use super::option_spec;

/// Captures what a shell command writes, and replays a backup into its standard input.
#[derive(Debug)]
pub(super) struct ShellCommand {
    command: Option<OsString>,
}

impl ShellCommand {
    /// This command.
    pub(super) fn new(command: OsString) -> Self {
        Self { command: Some(command) }
    }

    /// None: what is downloaded reaches no command.
    pub(super) fn none() -> Self {
        Self { command: None }
    }

    fn command(&self) -> Result<&OsStr, Unsupported> {
        self.command.as_deref().ok_or_else(|| Unsupported {
            what: "there is no command to run".into(),
            help: "set BM_CMD or --cmd".into(),
        })
    }
}

impl Adapter for ShellCommand {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[]
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        Vec::new()
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        Ok(Capture::of(step(self.command()?)))
    }

    fn replay(&self, _target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        Ok(Replay { main: vec![reading_step(self.command()?)], ..Replay::default() })
    }
}

/// Run as the predecessor ran it, by `bash -e -o pipefail -c`, so that no failure inside of `dump | gzip` is missed. Where
/// there is no bash, by `sh` with the same options: one that knows no `pipefail` refuses, before it runs anything.
///
/// It inherits the environment, but for the variables that hold our secrets.
fn step(command: &OsStr) -> Step {
    let mut step = Step::first_of(["bash", "sh"]).args(["-e", "-o", "pipefail", "-c"]).arg(command.as_bytes());
    step.unset = option_spec::secret_variables().map(str::to_owned).collect();
    step
}

/// The same, reading the backup. Its standard output is shown with its standard error.
fn reading_step(command: &OsStr) -> Step {
    let shown = [b"exec >&2; ", command.as_bytes()].concat();
    step(OsStr::from_bytes(&shown)).reads_backup()
}

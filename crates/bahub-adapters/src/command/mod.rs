//! Any command: what it writes is the backup, and another one reads it.
//!
//! `docs/adapters/command.md` describes what bahub guarantees, and what it cannot know about a command.

mod check;
mod config;
mod explain;
mod line;

pub use config::{CommandConfig, CommandLine, DrillConfig};

use std::collections::BTreeMap;

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::{Capture, Segment};
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::secret::Secret;
use bahub_core::step::{ByteString, Stdin, Step};

use line::{Line, OPTIONS, SHELLS};

/// Backs up what a command writes.
#[derive(Debug)]
pub struct Command {
    capture: Line,
    restore: Line,
    preflight: Option<Line>,
    counts: Option<Line>,
    drill: Option<Drill>,
    trailer: Option<String>,
    prefix: String,
    suffix: String,
    restore_trailer: Option<String>,
    ok: Vec<i32>,
    warn: Vec<i32>,
    on_stdin: Option<Secret>,
    env: BTreeMap<String, String>,
}

/// A restore under another name.
#[derive(Debug)]
struct Drill {
    restore: Line,
    counts: Option<Line>,
    remove: Line,
}

impl Component for Command {
    const TYPE: &'static str = "bahub.adapters.command";
    const SUMMARY: &'static str = "What a command of yours writes, restored by another one that reads it";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = CommandConfig;
    type Context = ();

    fn from_config(config: CommandConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for Command {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        match self.drill {
            Some(_) => &[AdapterCapability::Database, AdapterCapability::Scratch],
            None => &[],
        }
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        let shell = || Step::first_of(SHELLS).args(OPTIONS).arg("true");
        let uses_shell = [&self.capture, &self.restore].into_iter().any(Line::is_shell);
        let own = self.preflight.as_ref().map(|line| self.asking(line, ""));
        uses_shell.then(shell).into_iter().chain(own).map(Probe::check).collect()
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        let segment = Segment::of(vec![self.judged(self.asking(&self.capture, ""))]);
        let segment = match &self.trailer {
            Some(trailer) => segment.with_trailer(trailer.as_str()),
            None => segment,
        };
        Ok(Capture { segments: vec![segment], ..Capture::default() })
    }

    fn replay(&self, target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        let (line, name) = self.restoring(target)?;
        let (prefix, suffix) = (ByteString::from(&self.prefix), ByteString::from(&self.suffix));
        let step = self.judged(self.with_env(line.step(name))).stdin(Stdin::Backup { prefix, suffix });
        let step = match &self.restore_trailer {
            Some(words) => step.required_output(words),
            None => step,
        };
        let trailer = self.trailer.as_ref().map(ByteString::from);
        Ok(Replay {
            main: vec![step],
            trailer,
            failure_note: Some("what the command did before it failed is not known".into()),
            ..Replay::default()
        })
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        match &target.location {
            RestoreTarget::Database(name) => {
                self.drill.as_ref().and_then(|drill| drill.counts.as_ref()).map(|line| self.asking(line, name))
            }
            RestoreTarget::Original | RestoreTarget::Directory(_) => {
                self.counts.as_ref().map(|line| self.asking(line, ""))
            }
        }
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        let Some(drill) = &self.drill else {
            return Err(Unsupported {
                what: "the spec has no commands for a drill".into(),
                help: "add `drill`: docs/adapters/command.md".into(),
            });
        };
        let digits = run.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
        let name = format!("__bahub_try_{digits:0>32.32}");
        let removal = self.asking(&drill.remove, &name);
        Ok(Scratch { location: RestoreTarget::Database(name), removal })
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        (target.location == RestoreTarget::Original)
            .then(|| "what happens to existing data is up to the command of the spec".into())
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        explain::explain(failure)
    }
}

impl Command {
    fn with_env(&self, step: Step) -> Step {
        self.env.iter().fold(step, |step, (name, value)| step.env(name, value))
    }

    /// A command that does not read the backup.
    fn asking(&self, line: &Line, name: &str) -> Step {
        let step = self.with_env(line.step(name));
        match &self.on_stdin {
            Some(secret) => step.reads_secret(secret.clone()),
            None => step,
        }
    }

    /// With the exit codes of the spec.
    fn judged(&self, mut step: Step) -> Step {
        step.ok.clone_from(&self.ok);
        step.warn.clone_from(&self.warn);
        step
    }

    fn restoring<'a>(&'a self, target: &'a ReplayTarget) -> Result<(&'a Line, &'a str), Unsupported> {
        let refused = |what: String, help: &'static str| Err(Unsupported { what, help: help.into() });
        if let Some(member) = target.members.first() {
            let what = format!("the command adapter cannot restore only {}", member.display());
            return refused(what, "{download the data}, and take what is needed from it");
        }
        if target.in_place || target.keep_old {
            return refused("what is done with existing data is up to the command".into(), "leave out that option");
        }
        match (&target.location, &self.drill) {
            (RestoreTarget::Original, _) => Ok((&self.restore, "")),
            (RestoreTarget::Database(name), Some(_))
                if name.is_empty() || name.starts_with('-') || name.contains('\0') =>
            {
                refused(format!("{name:?} could be taken for something other than a name"), "choose another name")
            }
            (RestoreTarget::Database(name), Some(drill)) => Ok((&drill.restore, name)),
            (RestoreTarget::Database(_), None) => refused(
                "the spec has no command for a restore under another name".into(),
                "add `drill` to the spec, or {download the data}",
            ),
            (RestoreTarget::Directory(folder), _) => refused(
                format!("the command adapter cannot restore into the folder {}", folder.display()),
                "{download the data}",
            ),
        }
    }
}

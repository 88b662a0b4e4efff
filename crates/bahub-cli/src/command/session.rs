//! What every command works with.

use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::config::{ConfigErrors, Configuration, Environment, KeyUse, find_config};
use bahub_core::engine::{Engine, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Registry;
use bahub_core::run::{Committed, RunContext, RunPurpose};

use super::Failed;
use crate::render::Renderer;
use crate::signals::{self, Outcome};

/// What every command works with.
pub(super) struct Session<'a> {
    pub(super) config: Vec<PathBuf>,
    pub(super) engine: Engine,
    pub(super) registry: Arc<Registry>,
    pub(super) renderer: &'a Renderer,
}

impl Session<'_> {
    /// Finds, reads and checks the configuration.
    pub(super) fn configuration(&self) -> Result<Configuration, ConfigErrors> {
        let files = find_config(&self.config)?;
        Configuration::load(&files, &self.registry, Environment::process())
    }

    /// Checks everything that the configuration names, and gives what is worth telling.
    pub(super) fn check(&self, name: Option<&str>) -> Result<Vec<String>, ConfigErrors> {
        let files = find_config(&self.config)?;
        Configuration::check_files(&files, &self.registry, Environment::process(), name)
    }

    /// The plan of a backup whose key files are there.
    pub(super) fn plan(&self, name: &str, keys: Option<KeyUse>) -> Result<Plan, ConfigErrors> {
        let configuration = self.configuration()?;
        if let Some(keys) = keys {
            configuration.check_keys(name, keys)?;
        }
        configuration.plan(name)
    }

    /// The context of a run of this plan, whose events are shown.
    pub(super) fn context(&self, plan: &Plan, purpose: RunPurpose) -> Result<RunContext, Failed> {
        let events = self.renderer.events().scrubbed_by(plan.scrubber.clone());
        Ok(RunContext::new(&plan.name, purpose, events)?)
    }

    /// Runs the work under the guard of signals and writes how it ended; gives the exit code.
    pub(super) async fn guarded(&self, cx: &RunContext, work: impl Future<Output = RunOutcome>) -> Result<u8, Failed> {
        match signals::guard(cx, work).await? {
            Outcome::Ended(ended) => Ok(self.renderer.ended(&ended)),
            Outcome::Abrupt { not_undone, committed } => Err(abrupt(&not_undone, committed)),
        }
    }
}

/// What there is to say of a run that was given up at once.
fn abrupt(not_undone: &[String], committed: Committed) -> Failed {
    let (code, version) = match committed {
        Committed::No => (130, "stopped at once".to_owned()),
        Committed::Unknown => (70, "stopped at once, during the commit: there may be a new version".to_owned()),
        Committed::Version(version) => (70, format!("stopped at once, after {version} was committed")),
    };
    match not_undone {
        [] if committed == Committed::No => Failed::new(code, version),
        [] => Failed::new(code, version).with_help("look with :backup:list"),
        _ if committed == Committed::No => Failed::new(100, not_undone.join("; ")),
        _ => Failed::new(100, format!("{}; {version}", not_undone.join("; "))),
    }
}

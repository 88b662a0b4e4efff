//! What every command works with.

use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::config::{ConfigErrors, Configuration, Environment, KeyUse, find_config};
use bahub_core::engine::{Engine, RunControl, RunOutcome};
use bahub_core::exit::ExitCode;
use bahub_core::keys::Keys;
use bahub_core::plan::Plan;
use bahub_core::registry::Registry;

use crate::name::ProgramName;
use crate::render::Renderer;
use crate::signals;

/// What every command works with; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) config: Vec<PathBuf>,
    /// Where the history is, if not in the usual place.
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) engine: Engine,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) renderer: Renderer,
    pub(crate) program: ProgramName,
}

impl Session {
    /// Finds, reads and checks the configuration.
    pub(crate) fn configuration(&self) -> Result<Configuration, ConfigErrors> {
        let files = find_config(&self.config)?;
        Configuration::load(&files, &self.registry, Environment::process())
    }

    /// Checks everything that the configuration names, and returns notices.
    pub(super) fn check(&self, name: Option<&str>) -> Result<Vec<String>, ConfigErrors> {
        let files = find_config(&self.config)?;
        Configuration::check_files(&files, &self.registry, Environment::process(), name)
    }

    /// The plan of a backup whose key files are there.
    pub(super) fn plan(&self, name: &str, keys: Option<KeyUse>) -> Result<Plan, ConfigErrors> {
        self.planned(&self.configuration()?, name, keys)
    }

    /// The same of a configuration that was read already.
    pub(super) fn planned(
        &self,
        configuration: &Configuration,
        name: &str,
        keys: Option<KeyUse>,
    ) -> Result<Plan, ConfigErrors> {
        if let Some(keys) = keys {
            configuration.check_keys(name, keys)?;
        }
        self.plan_of(configuration, name)
    }

    /// The plan of a backup; nothing that is written from now on holds its secrets.
    pub(super) fn plan_of(&self, configuration: &Configuration, name: &str) -> Result<Plan, ConfigErrors> {
        let plan = configuration.plan(name)?;
        self.renderer.terminal().learn(&plan.scrubber);
        Ok(plan)
    }

    /// Runs the work under the guard of signals; the observers report how it ended. Returns the exit code.
    pub(crate) async fn guarded(
        &self,
        control: &RunControl,
        work: impl Future<Output = RunOutcome>,
    ) -> std::io::Result<ExitCode> {
        let outcome = signals::guard(control, self.renderer.terminal(), work).await?;
        Ok(outcome.exit(self.renderer.fails_on_warnings()))
    }
}

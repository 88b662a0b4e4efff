//! What every command works with.

use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::config::{ConfigErrors, Configuration, Environment, KeyUse, find_config};
use bahub_core::engine::{Engine, RunControl, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Registry;

use super::Failed;
use crate::render::Renderer;
use crate::signals;

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

    /// Runs the work under the guard of signals and writes how it ended; gives the exit code.
    pub(super) async fn guarded(
        &self,
        control: &RunControl,
        work: impl Future<Output = RunOutcome>,
    ) -> Result<u8, Failed> {
        let outcome = signals::guard(control, work).await?;
        self.engine.observers().drain(std::time::Duration::from_secs(30));
        Ok(self.renderer.ended(&outcome))
    }
}

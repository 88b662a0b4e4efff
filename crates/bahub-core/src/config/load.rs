//! Loading files into a configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::configuration::Configuration;
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrorKind};
use super::errors::ConfigErrors;
use super::loaded::Loaded;
use super::schemas::Schemas;
use super::source::{Source, Sources};
use super::tree::Node;
use super::{defaults, merge, structure};
use crate::registry::Registry;

impl Configuration {
    /// Reads the files, merges them (mappings key by key; of anything else the later file's counts), and checks
    /// structure, references and the `spec` of every registered component.
    ///
    /// # Errors
    /// Everything that is wrong, with its places.
    pub fn load(files: &[PathBuf], registry: &Arc<Registry>, environment: Environment) -> Result<Self, ConfigErrors> {
        let (configuration, errors) = Self::read(files, registry, environment)?;
        ConfigErrors::check(errors)?;
        Ok(configuration)
    }

    /// The same of a text; `name` stands for its file in errors, and relative paths start from its folder.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use bahub_core::config::{Configuration, Environment};
    /// use bahub_core::registry::Registry;
    ///
    /// let text = "backups:\n  www: { mata: {} }\n";
    /// let errors = Configuration::parse("inline.yaml", text, &Arc::new(Registry::default()), Environment::process());
    /// assert!(errors.unwrap_err().to_string().contains("mata"));
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, with its places.
    pub fn parse(
        name: impl AsRef<Path>,
        text: &str,
        registry: &Arc<Registry>,
        environment: Environment,
    ) -> Result<Self, ConfigErrors> {
        let (source, errors) = Source::parse(name.as_ref(), text)?;
        let (configuration, errors) = Self::merged(vec![source], errors, registry, environment)?;
        ConfigErrors::check(errors)?;
        Ok(configuration)
    }

    /// Loads the files and does what [`Configuration::check`] does, even if loading already found something wrong: all
    /// errors of all kinds at once.
    ///
    /// # Errors
    /// Everything that is wrong, with its places.
    pub fn check_files(
        files: &[PathBuf],
        registry: &Arc<Registry>,
        environment: Environment,
        backup: Option<&str>,
    ) -> Result<Vec<String>, ConfigErrors> {
        let (configuration, mut errors) = Self::read(files, registry, environment)?;
        let notices = configuration.check(backup).unwrap_or_else(|more| {
            errors.extend(more.into_vec());
            Vec::new()
        });
        ConfigErrors::check(errors)?;
        Ok(notices)
    }

    /// What is sound of a configuration that [`load`](Self::load) refuses: for those who are to be told of that. `None` where
    /// nothing can be read.
    pub fn load_in_part(files: &[PathBuf], registry: &Arc<Registry>, environment: Environment) -> Option<Self> {
        Self::read(files, registry, environment).ok().map(|(configuration, _)| configuration)
    }

    /// Fails only if there is nothing to look at; otherwise returns the errors beside the configuration.
    fn read(
        files: &[PathBuf],
        registry: &Arc<Registry>,
        environment: Environment,
    ) -> Result<(Self, Vec<ConfigError>), ConfigErrors> {
        let mut errors = Vec::new();
        let mut sources = Vec::new();
        for file in files {
            match Source::read(file) {
                Ok((source, said)) => {
                    sources.push(source);
                    errors.extend(said);
                }
                Err(error) => errors.push(error),
            }
        }
        if files.is_empty() {
            errors.push(ConfigError::new(ConfigErrorKind::Unreadable, "no configuration file is named"));
        }
        if sources.len() < files.len() || sources.is_empty() {
            // Half of a configuration would only seem to lack what the other half holds.
            ConfigErrors::check(std::mem::take(&mut errors))?;
        }
        Self::merged(sources, errors, registry, environment)
    }

    fn merged(
        sources: Vec<Source>,
        mut errors: Vec<ConfigError>,
        registry: &Arc<Registry>,
        environment: Environment,
    ) -> Result<(Self, Vec<ConfigError>), ConfigErrors> {
        let sources = Sources(sources);
        let mut merged = merge::merge(sources.0.iter().map(|source| Node::json(&source.tree))).map_err(|reason| {
            ConfigError::new(ConfigErrorKind::Structure, format!("the configuration files cannot be merged: {reason}"))
        })?;
        defaults::apply(&mut merged);
        let schemas = Schemas::new(Arc::clone(registry));
        errors.extend(structure::check(&merged, &schemas).into_iter().map(|finding| sources.locate(finding)));
        let loaded = Loaded { sources, merged, registry: Arc::clone(registry), schemas, environment };
        Ok((Self { loaded }, errors))
    }
}

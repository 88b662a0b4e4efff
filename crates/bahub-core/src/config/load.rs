//! Loading files into a configuration.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::environment::Environment;
use super::error::{ConfigError, ConfigErrorKind, ConfigErrors};
use super::source::{Source, Sources};
use super::tree::Node;
use super::{merge, structure};
use crate::registry::Registry;

/// A configuration whose structure and references are right.
///
/// Its `Debug` shows the names of its files and backups and nothing else.
pub struct Configuration {
    pub(super) sources: Sources,
    /// All files merged; variables are not filled in.
    pub(super) merged: Value,
    pub(super) registry: Arc<Registry>,
    pub(super) environment: Environment,
}

impl Configuration {
    /// Reads the files, merges them (mappings key by key; of anything else the later file's counts), and checks
    /// structure, references and the `spec` of every registered component.
    ///
    /// # Errors
    /// Everything that is wrong, with its places.
    pub fn load(files: &[PathBuf], registry: &Arc<Registry>, environment: Environment) -> Result<Self, ConfigErrors> {
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
        let sources = Sources(sources);
        let merged = merge::merge(sources.0.iter().map(|source| Node::json(&source.tree))).map_err(|reason| {
            ConfigError::new(ConfigErrorKind::Structure, format!("the files do not merge: {reason}"))
        })?;
        errors.extend(structure::check(&merged, registry).into_iter().map(|finding| sources.locate(finding)));
        ConfigErrors::check(errors)?;
        Ok(Self { sources, merged, registry: Arc::clone(registry), environment })
    }

    /// The names of all backups, in alphabetical order.
    pub fn backup_names(&self) -> Vec<&str> {
        self.entries("backups").map(|(name, _)| name).collect()
    }

    pub(super) fn entries(&self, section: &str) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.merged.get(section).and_then(Value::as_object);
        entries.into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn files(&self) -> String {
        let files: Vec<_> = self.sources.0.iter().map(|source| source.path.display().to_string()).collect();
        files.join(", ")
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("files", &self.files())
            .field("backups", &self.backup_names())
            .finish_non_exhaustive()
    }
}

//! The files of a configuration, read and merged.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::environment::Environment;
use super::schemas::Schemas;
use super::source::Sources;
use crate::registry::Registry;

/// What a configuration was loaded from and is looked up in.
pub(super) struct Loaded {
    pub(super) sources: Sources,
    /// All files merged; variables are not filled in.
    pub(super) merged: Value,
    pub(super) registry: Arc<Registry>,
    pub(super) schemas: Schemas,
    pub(super) environment: Environment,
}

impl Loaded {
    /// The entries of a section, in alphabetical order.
    pub(super) fn entries(&self, section: &str) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.merged.get(section).and_then(Value::as_object);
        entries.into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
    }

    /// A key of a backup's `meta`, as it is written.
    pub(super) fn meta(&self, backup: &str, key: &str) -> Option<&Value> {
        self.merged.get("backups")?.get(backup)?.get("meta")?.get(key)
    }

    /// The names of all files.
    pub(super) fn files(&self) -> String {
        let files: Vec<_> = self.sources.0.iter().map(|source| source.path.display().to_string()).collect();
        files.join(", ")
    }
}

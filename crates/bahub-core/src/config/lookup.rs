//! The entries of a configuration, as they are used: looked up, filled in, checked again.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ConfigError, ConfigErrorKind};
use super::finding::Finding;
use super::loaded::Loaded;
use super::resolve::{Filling, learn};
use super::shape::{self, Shapes};
use super::structure::{self, Section};
use super::suggest;
use crate::secret::Scrubber;

/// Looks entries up and collects everything that is wrong on the way.
pub(super) struct Lookup<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) scrubber: Scrubber,
    pub(super) findings: Vec<Finding>,
    /// What has no place in a file.
    pub(super) errors: Vec<ConfigError>,
}

/// An entry with its variables filled in.
pub(super) struct Used {
    pub(super) pointer: String,
    pub(super) value: Value,
    /// False if something about it is wrong, which was reported.
    pub(super) sound: bool,
}

impl Used {
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        if self.sound { serde_json::from_value(self.value.clone()).ok() } else { None }
    }
}

impl<'a> Lookup<'a> {
    /// Looks nothing up yet.
    pub(super) fn new(loaded: &'a Loaded) -> Self {
        Self { loaded, scrubber: Scrubber::default(), findings: Vec::new(), errors: Vec::new() }
    }

    /// The backup of this name.
    pub(super) fn backup(&mut self, name: &str) -> Option<Used> {
        if self.loaded.merged.pointer(&Section::Backups.entry(name)).is_none() {
            self.unknown("backups", "backup", name);
            return None;
        }
        self.used(Section::Backups, name)
    }

    /// Fills an entry in, learns its secrets, and checks it again with what it came to hold.
    pub(super) fn used(&mut self, section: Section, name: &str) -> Option<Used> {
        let pointer = section.entry(name);
        let raw = self.loaded.merged.pointer(&pointer)?;
        let mut filling = self.filling();
        let mut value = filling.fill(&pointer, raw);
        let (mut findings, failed) = (filling.findings, filling.failed);
        learn_secrets(&self.scrubber, section, &value, self.loaded);
        findings.extend(structure::prepare(section, name, &mut value, &self.loaded.schemas, &failed));
        let sound = findings.is_empty();
        self.findings.extend(findings);
        Some(Used { pointer, value, sound })
    }

    fn filling(&self) -> Filling<'_> {
        Filling {
            sources: &self.loaded.sources,
            environment: &self.loaded.environment,
            scrubber: &self.scrubber,
            findings: Vec::new(),
            failed: Default::default(),
        }
    }

    /// A key of a backup's `meta` with its variables filled in, without a look at anything else of the backup.
    pub(super) fn meta(&mut self, backup: &str, key: &str) -> Option<Value> {
        let raw = self.loaded.meta(backup, key)?;
        let pointer = format!("{}/meta/{key}", Section::Backups.entry(backup));
        let mut filling = self.filling();
        let value = filling.fill(&pointer, raw);
        let findings = filling.findings;
        let is_sound = findings.is_empty();
        self.findings.extend(findings);
        is_sound.then_some(value)
    }

    /// The name of the entry that a backup names under `key`, if there is such an entry.
    pub(super) fn reference(&mut self, backup: &Used, key: &str, section: Section) -> Option<String> {
        let name = backup.value.pointer(&format!("/meta/{key}"))?.as_str()?.to_owned();
        let pointer = format!("{}/meta/{key}", backup.pointer);
        match structure::unknown_reference(&self.loaded.merged, &pointer, section, &name) {
            Some(finding) if backup.sound => {
                self.findings.push(finding);
                None
            }
            Some(_) => None,
            None => Some(name),
        }
    }

    /// Adds the error of a name that is in no file.
    pub(super) fn unknown(&mut self, section: &str, what: &str, name: &str) {
        let known = self.loaded.entries(section).map(|(name, _)| name);
        let message = format!("there is no {what} \"{name}\" in {}", self.loaded.files());
        let error = ConfigError::new(ConfigErrorKind::UnknownBackup, message);
        self.errors.push(error.with_help(suggest::help(name, section, known)));
    }
}

fn learn_secrets(scrubber: &Scrubber, section: Section, value: &Value, loaded: &Loaded) {
    let schemas = loaded.schemas.of(section, value);
    shape::secrets(value, "", &Shapes::of(&Value::Null), &mut |text| learn(scrubber, text));
    for (below, schema) in &schemas {
        if let Some(part) = value.pointer(below) {
            shape::secrets(part, "", &Shapes::of(&schema.value), &mut |text| learn(scrubber, text));
        }
    }
}

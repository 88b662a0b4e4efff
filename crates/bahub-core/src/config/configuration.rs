//! What a loaded configuration is asked for.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::error::{ConfigError, ConfigErrorKind};
use super::errors::ConfigErrors;
use super::keyfiles::KeyUse;
use super::loaded::Loaded;
use super::lookup::Lookup;
use super::structure::Section;
use super::{keyfiles, notifying, planning, shown};
use crate::keys::EncryptionSpec;
use crate::plan::Plan;

/// A configuration whose structure and references are right.
///
/// Its `Debug` shows the names of its files and backups and nothing else.
pub struct Configuration {
    pub(super) loaded: Loaded,
}

impl Configuration {
    /// The names of all backups, in alphabetical order.
    pub fn backup_names(&self) -> Vec<&str> {
        self.loaded.entries("backups").map(|(name, _)| name).collect()
    }

    /// The names of all backups with at least one of these tags, in alphabetical order.
    pub fn tagged(&self, tags: &[impl AsRef<str>]) -> Vec<&str> {
        let is_wanted = |tag: &Value| tag.as_str().is_some_and(|tag| tags.iter().any(|wanted| wanted.as_ref() == tag));
        let has_one = |backup: &Value| {
            backup.pointer("/meta/tags").and_then(Value::as_array).is_some_and(|tags| tags.iter().any(is_wanted))
        };
        self.loaded.entries("backups").filter(|(_, backup)| has_one(backup)).map(|(name, _)| name).collect()
    }

    /// Makes the plan of a backup: fills in its variables and secret files and builds its components.
    ///
    /// Key files are not read; [`Configuration::check_keys`] does that.
    ///
    /// # Errors
    /// Everything that is wrong with this backup and the entries that it names.
    pub fn plan(&self, backup: &str) -> Result<Plan, ConfigErrors> {
        self.planned(|lookup| {
            // Before the plan takes the scrubber: whatever a program says of these is replaced as well.
            notifying::learn_secrets(lookup);
            let mut plan = planning::plan(lookup, backup)?;
            plan.notices = self.notices();
            Some(plan)
        })
    }

    /// Checks everything about one backup, or about all of them and the entries that none uses: variables, secret
    /// files, key files, missing components. Returns notices, a sentence each.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self, backup: Option<&str>) -> Result<Vec<String>, ConfigErrors> {
        self.planned(|lookup| {
            let mut notices = self.notices();
            let names = backup.map_or_else(|| self.backup_names(), |name| vec![name]);
            for name in names {
                planning::plan(lookup, name);
                if let Some(spec) = planning::encryption_of(lookup, name) {
                    lookup.findings.extend(keyfiles::check(&spec, KeyUse::Seal));
                    notices.extend(keyfiles::notice(&spec));
                }
            }
            if backup.is_none() {
                planning::unused(lookup);
            }
            let mut told = BTreeSet::new();
            notices.retain(|notice| told.insert(notice.clone()));
            Some(notices)
        })
    }

    /// Checks that the key files of a backup are there and can be read.
    ///
    /// # Errors
    /// A key file that is missing, at the line that names it.
    pub fn check_keys(&self, backup: &str, key_use: KeyUse) -> Result<(), ConfigErrors> {
        self.planned(|lookup| {
            let spec = planning::encryption_of(lookup, backup)?;
            lookup.findings.extend(keyfiles::check(&spec, key_use));
            Some(())
        })
    }

    /// The keys of an entry of `encryption`.
    ///
    /// # Errors
    /// If there is no such entry, or something is wrong with it.
    pub fn encryption(&self, name: &str) -> Result<EncryptionSpec, ConfigErrors> {
        self.planned(|lookup| {
            if self.loaded.merged.pointer(&Section::Encryption.entry(name)).is_none() {
                lookup.unknown("encryption", "encryption entry", name);
                return None;
            }
            planning::encryption(lookup, name)
        })
    }

    /// The keys that a backup names.
    ///
    /// # Errors
    /// If there is no such backup, or something is wrong with the entry.
    pub fn encryption_of(&self, backup: &str) -> Result<EncryptionSpec, ConfigErrors> {
        self.planned(|lookup| planning::encryption_of(lookup, backup))
    }

    /// The backup and the entries that it names, with variables filled in, numbers and defaults of `collection_id` as they are
    /// used, and every secret replaced by `[redacted]`: for people, in the form of the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with this backup and the entries that it names.
    pub fn shown(&self, backup: &str) -> Result<Value, ConfigErrors> {
        self.planned(|lookup| {
            notifying::learn_secrets(lookup);
            planning::plan(lookup, backup)?;
            shown::shown(lookup, backup)
        })
    }

    /// Runs `make`, which returns `None` only after it reported what is wrong.
    pub(super) fn planned<T>(&self, make: impl FnOnce(&mut Lookup<'_>) -> Option<T>) -> Result<T, ConfigErrors> {
        let mut lookup = Lookup::new(&self.loaded);
        let made = make(&mut lookup);
        let located = lookup.findings.into_iter().map(|finding| self.loaded.sources.locate(finding));
        let errors = located.chain(lookup.errors).map(|error| error.scrubbed(&lookup.scrubber));
        ConfigErrors::check(errors.collect())?;
        made.ok_or_else(|| ConfigError::new(ConfigErrorKind::Structure, "the configuration is invalid").into())
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.loaded.entries("notifiers").next().is_some() && self.loaded.registry.notifiers().next().is_none() {
            notices.push("the section \"notifiers\" has no effect: this program has no notifiers".to_owned());
        }
        if self.loaded.entries("error_handlers").next().is_some() {
            notices.push("the section \"error_handlers\" has no effect yet: no errors are reported".to_owned());
        }
        for source in self.loaded.sources.0.iter().filter(|source| source.shows_secret_to_all()) {
            notices.push(format!(
                "{} contains a secret and is readable by every user of this host: chmod 600 it, or use ${{file:...}}",
                source.path.display()
            ));
        }
        notices
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("files", &self.loaded.files())
            .field("backups", &self.backup_names())
            .finish_non_exhaustive()
    }
}

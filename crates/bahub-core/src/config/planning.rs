//! A backup of the configuration becomes a plan.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ConfigError, ConfigErrorKind, ConfigErrors};
use super::finding::Finding;
use super::load::Configuration;
use super::model::{BackupEntry, EncryptionEntry};
use super::resolve::{Filling, expand, learn};
use super::shape::{self, Shapes};
use super::structure::{self, REFERENCES, Section};
use super::{components, keyfiles, meta, suggest};
use crate::keys::EncryptionSpec;
use crate::plan::Plan;
use crate::secret::Scrubber;

/// What the keys of a backup are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Making a backup: the public keys.
    Seal,
    /// Restoring or verifying one: the private key.
    Open,
}

impl Configuration {
    /// Makes the plan of a backup: fills in its variables and secret files and builds its components.
    ///
    /// Key files are not read; [`Configuration::check_keys`] does that.
    ///
    /// # Errors
    /// Everything that is wrong with this backup and the entries that it names.
    pub fn plan(&self, backup: &str) -> Result<Plan, ConfigErrors> {
        self.planned(|planning| {
            let mut plan = planning.plan(backup)?;
            plan.notices = self.notices();
            Some(plan)
        })
    }

    /// Checks everything about one backup, or about all of them and the entries that none uses: variables, secret
    /// files, key files, missing components. Gives what is worth telling although it is no error, a sentence each.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self, backup: Option<&str>) -> Result<Vec<String>, ConfigErrors> {
        self.planned(|planning| {
            let mut notices = self.notices();
            let names = backup.map_or_else(|| self.backup_names(), |name| vec![name]);
            for name in names {
                planning.plan(name);
                if let Some(spec) = planning.encryption_of(name) {
                    planning.findings.extend(keyfiles::check(&spec, KeyUse::Seal));
                    notices.extend(keyfiles::notice(&spec));
                }
            }
            if backup.is_none() {
                planning.unused();
            }
            notices.dedup();
            Some(notices)
        })
    }

    /// Checks that the key files of a backup are there and can be read.
    ///
    /// # Errors
    /// A key file that is missing, at the line that names it.
    pub fn check_keys(&self, backup: &str, key_use: KeyUse) -> Result<(), ConfigErrors> {
        self.planned(|planning| {
            let spec = planning.encryption_of(backup)?;
            planning.findings.extend(keyfiles::check(&spec, key_use));
            Some(())
        })
    }

    /// The keys of an entry of `encryption`.
    ///
    /// # Errors
    /// If there is no such entry, or something is wrong with it.
    pub fn encryption(&self, name: &str) -> Result<EncryptionSpec, ConfigErrors> {
        self.planned(|planning| {
            if self.merged.pointer(&Section::Encryption.entry(name)).is_none() {
                planning.unknown("encryption", "encryption entry", name);
                return None;
            }
            planning.encryption(name)
        })
    }

    /// The keys that a backup names.
    ///
    /// # Errors
    /// If there is no such backup, or something is wrong with the entry.
    pub fn encryption_of(&self, backup: &str) -> Result<EncryptionSpec, ConfigErrors> {
        self.planned(|planning| planning.encryption_of(backup))
    }

    /// Runs `make`, which gives `None` only after it said what is wrong.
    fn planned<T>(&self, make: impl FnOnce(&mut Planning<'_>) -> Option<T>) -> Result<T, ConfigErrors> {
        let mut planning =
            Planning { config: self, scrubber: Scrubber::default(), findings: Vec::new(), errors: Vec::new() };
        let made = make(&mut planning);
        let located = planning.findings.into_iter().map(|finding| self.sources.locate(finding));
        let errors = located.chain(planning.errors).map(|error| error.scrubbed(&planning.scrubber));
        ConfigErrors::check(errors.collect())?;
        made.ok_or_else(|| ConfigError::new(ConfigErrorKind::Structure, "the configuration cannot be used").into())
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        for (section, what) in
            [("notifiers", "no notifications are sent"), ("error_handlers", "no errors are reported")]
        {
            if self.entries(section).next().is_some() {
                notices.push(format!("the section \"{section}\" is accepted and not acted on yet: {what}"));
            }
        }
        for source in self.sources.0.iter().filter(|source| source.shows_secret_to_all()) {
            notices.push(format!(
                "{} holds a secret and can be read by everybody on this machine: chmod 600 it, or write ${{file:...}}",
                source.path.display()
            ));
        }
        notices
    }
}

/// Makes plans and collects everything that is wrong on the way.
pub(super) struct Planning<'a> {
    pub(super) config: &'a Configuration,
    pub(super) scrubber: Scrubber,
    pub(super) findings: Vec<Finding>,
    errors: Vec<ConfigError>,
}

/// An entry with its variables filled in.
pub(super) struct Used {
    pub(super) pointer: String,
    pub(super) value: Value,
    /// False if something about it is wrong, which was said.
    pub(super) sound: bool,
}

impl Used {
    fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        if self.sound { serde_json::from_value(self.value.clone()).ok() } else { None }
    }
}

impl Planning<'_> {
    fn plan(&mut self, name: &str) -> Option<Plan> {
        let backup = self.backup(name)?;
        let [access, encryption, transport] = REFERENCES.map(|(key, section)| self.reference(&backup, key, section));
        let entry = backup.parse::<BackupEntry>();
        let collection = entry.as_ref().and_then(|entry| entry.meta.collection_id.clone());
        let adapter = components::adapter(self, &backup);
        let built = transport.as_ref().and_then(|transport| components::transport(self, transport));
        let sink = access.and_then(|access| components::sink(self, &access, collection.as_deref().unwrap_or(name)));
        let encryption = encryption.and_then(|encryption| self.encryption(&encryption));
        let (entry, (adapter_type, adapter)) = (entry?, adapter?);
        let spec = backup.value.get("spec").unwrap_or(&Value::Null);
        Some(Plan {
            name: name.to_owned(),
            adapter_type,
            adapter,
            transport_name: transport?,
            transport: built?,
            sink: sink?,
            encryption: encryption?,
            compression: meta::compression(entry.meta.compression.as_ref(), spec),
            relay: entry.meta.relay,
            timeout: entry.meta.timeout.as_ref().and_then(meta::timeout),
            scrubber: self.scrubber.clone(),
            notices: Vec::new(),
        })
    }

    fn backup(&mut self, name: &str) -> Option<Used> {
        if self.config.merged.pointer(&Section::Backups.entry(name)).is_none() {
            self.unknown("backups", "backup", name);
            return None;
        }
        self.used(Section::Backups, name)
    }

    /// Fills an entry in, learns its secrets, and checks it again with what it came to hold.
    pub(super) fn used(&mut self, section: Section, name: &str) -> Option<Used> {
        let pointer = section.entry(name);
        let raw = self.config.merged.pointer(&pointer)?;
        let mut filling = Filling {
            sources: &self.config.sources,
            environment: &self.config.environment,
            scrubber: &self.scrubber,
            findings: Vec::new(),
            failed: Default::default(),
        };
        let mut value = filling.fill(&pointer, raw);
        let (mut findings, failed) = (filling.findings, filling.failed);
        learn_secrets(&self.scrubber, section, &value, self.config);
        findings.extend(structure::prepare(section, name, &mut value, &self.config.registry, &failed));
        let sound = findings.is_empty();
        self.findings.extend(findings);
        Some(Used { pointer, value, sound })
    }

    /// The name of the entry that a backup names under `key`, if there is such an entry.
    fn reference(&mut self, backup: &Used, key: &str, section: Section) -> Option<String> {
        let name = backup.value.pointer(&format!("/meta/{key}"))?.as_str()?.to_owned();
        let pointer = format!("{}/meta/{key}", backup.pointer);
        match structure::unknown_reference(&self.config.merged, &pointer, section, &name) {
            Some(finding) if backup.sound => {
                self.findings.push(finding);
                None
            }
            Some(_) => None,
            None => Some(name),
        }
    }

    fn encryption_of(&mut self, backup: &str) -> Option<EncryptionSpec> {
        let backup = self.backup(backup)?;
        let name = self.reference(&backup, "encryption", Section::Encryption)?;
        self.encryption(&name)
    }

    fn encryption(&mut self, name: &str) -> Option<EncryptionSpec> {
        let used = self.used(Section::Encryption, name)?;
        let entry: EncryptionEntry = used.parse()?;
        if entry.private_key_path.is_empty() && entry.public_key_path.is_empty() {
            let message = format!("the encryption entry \"{name}\" names no key");
            let help = "write private_key_path, or public_key_path where backups are only made";
            self.findings.push(Finding::new(ConfigErrorKind::MissingKey, used.pointer, message).on_key().help(help));
            return None;
        }
        let path = |below: &str, path: &str| -> Option<PathBuf> {
            let folder = self.config.sources.folder(&format!("{}{below}", used.pointer));
            (!path.is_empty()).then(|| expand(path, &folder, &self.config.environment))
        };
        Some(EncryptionSpec {
            name: name.to_owned(),
            private_key_path: path("/private_key_path", &entry.private_key_path),
            public_key_path: path("/public_key_path", &entry.public_key_path),
            passphrase: entry.passphrase.clone().filter(|passphrase| !passphrase.is_empty()),
            email: Some(entry.email.clone()),
            recipients: entry.recipients.iter().filter_map(|file| path("/recipients", file)).collect(),
            format: entry.format,
        })
    }

    /// Checks the entries that no backup uses.
    fn unused(&mut self) {
        let config = self.config;
        for (name, _) in config.entries("accesses") {
            components::sink_type(self, name);
        }
        for (name, _) in config.entries("transports") {
            components::transport_type(self, name);
        }
        for (name, _) in config.entries("encryption") {
            self.encryption(name);
        }
        for (section, entries) in [(Section::Notifiers, "notifiers"), (Section::ErrorHandlers, "error_handlers")] {
            for (name, _) in config.entries(entries) {
                self.used(section, name);
            }
        }
    }

    fn unknown(&mut self, section: &str, what: &str, name: &str) {
        let known = self.config.entries(section).map(|(name, _)| name);
        let message = format!("there is no {what} \"{name}\" in {}", self.config.files());
        let error = ConfigError::new(ConfigErrorKind::UnknownBackup, message);
        self.errors.push(error.with_help(suggest::help(name, section, known)));
    }
}

fn learn_secrets(scrubber: &Scrubber, section: Section, value: &Value, config: &Configuration) {
    let schemas = structure::schemas(section, value, &config.registry);
    shape::secrets(value, "", &Shapes::of(&Value::Null), &mut |text| learn(scrubber, text));
    for (below, schema) in &schemas {
        if let Some(part) = value.pointer(below) {
            shape::secrets(part, "", &Shapes::of(schema), &mut |text| learn(scrubber, text));
        }
    }
}

/// Shares what is built.
pub(super) type Built<T> = Option<(String, Arc<T>)>;

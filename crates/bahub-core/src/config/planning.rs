//! A backup of the configuration becomes a plan.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::configuration::Configuration;
use super::error::{ConfigError, ConfigErrorKind};
use super::finding::Finding;
use super::model::{BackupEntry, EncryptionEntry};
use super::resolve::{Filling, expand, learn};
use super::shape::{self, Shapes};
use super::structure::{self, REFERENCES, Section};
use super::{components, meta, suggest};
use crate::keys::{EncryptionSpec, KeySource};
use crate::plan::Plan;
use crate::secret::Scrubber;
use crate::sink::{Sink, SinkCapability};

/// Makes plans and collects everything that is wrong on the way.
pub(super) struct Planning<'a> {
    pub(super) config: &'a Configuration,
    pub(super) scrubber: Scrubber,
    pub(super) findings: Vec<Finding>,
    /// What has no place in a file.
    pub(super) errors: Vec<ConfigError>,
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
    pub(super) fn plan(&mut self, name: &str) -> Option<Plan> {
        let backup = self.backup(name)?;
        let [access, encryption, transport] = REFERENCES.map(|(key, section)| self.reference(&backup, key, section));
        let entry = backup.parse::<BackupEntry>();
        let collection = entry.as_ref().and_then(|entry| entry.meta.collection_id.clone());
        let adapter = components::adapter(self, &backup);
        let built = transport.as_ref().and_then(|transport| components::transport(self, transport));
        let sink = access.and_then(|access| components::sink(self, &access, collection.as_deref().unwrap_or(name)));
        if let (Some(entry), Some(sink)) = (&entry, &sink) {
            self.check_relay(&backup, entry, sink.as_ref());
        }
        let encryption = encryption.and_then(|encryption| self.encryption(&encryption));
        let (entry, (adapter_type, adapter)) = (entry?, adapter?);
        let spec = backup.value.get("spec").unwrap_or(&Value::Null);
        let plan = Plan::builder(name, adapter, built?, sink?, encryption?)
            .adapter_type(adapter_type)
            .transport_name(transport?)
            .compression(meta::compression(entry.meta.compression.as_ref(), spec))
            .relay(entry.meta.relay)
            .timeout(entry.meta.timeout.as_ref().and_then(meta::timeout))
            .scrubber(self.scrubber.clone());
        Some(plan.build())
    }

    fn check_relay(&mut self, backup: &Used, entry: &BackupEntry, sink: &dyn Sink) {
        if entry.meta.relay == Some(false) && !sink.capabilities().contains(&SinkCapability::Delegate) {
            let pointer = format!("{}/meta/relay", backup.pointer);
            let message = "`relay: false` cannot be done: an agent cannot use this kind of store by itself";
            let finding = Finding::new(ConfigErrorKind::WrongValue, pointer, message);
            self.findings
                .push(finding.help("remove it: what is encrypted next to the data then goes through this host"));
        }
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

    pub(super) fn encryption_of(&mut self, backup: &str) -> Option<EncryptionSpec> {
        let backup = self.backup(backup)?;
        let name = self.reference(&backup, "encryption", Section::Encryption)?;
        self.encryption(&name)
    }

    pub(super) fn encryption(&mut self, name: &str) -> Option<EncryptionSpec> {
        let used = self.used(Section::Encryption, name)?;
        let entry: EncryptionEntry = used.parse()?;
        if entry.private_key_path.is_empty() && entry.public_key_path.is_empty() {
            let message = format!("the encryption entry \"{name}\" names no key");
            let help = "write private_key_path, or public_key_path where backups are only made";
            self.findings.push(Finding::new(ConfigErrorKind::MissingKey, used.pointer, message).on_key().help(help));
            return None;
        }
        let file = |below: &str, path: &str| -> Option<KeySource> {
            let folder = self.config.sources.folder(&format!("{}{below}", used.pointer));
            (!path.is_empty()).then(|| KeySource::File(expand(path, &folder, &self.config.environment)))
        };
        Some(EncryptionSpec {
            private_key: file("/private_key_path", &entry.private_key_path),
            public_key: file("/public_key_path", &entry.public_key_path),
            passphrase: entry.passphrase.clone().filter(|passphrase| !passphrase.is_empty()),
            email: Some(entry.email.clone()),
            recipients: entry.recipients.iter().filter_map(|path| file("/recipients", path)).collect(),
            format: entry.format,
            ..EncryptionSpec::new(name)
        })
    }

    /// Checks the entries that no backup uses.
    pub(super) fn unused(&mut self) {
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

    pub(super) fn unknown(&mut self, section: &str, what: &str, name: &str) {
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

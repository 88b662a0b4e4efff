//! A backup of the configuration becomes a plan.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::lookup::{Lookup, Used};
use super::model::{BackupEntry, EncryptionEntry};
use super::resolve::expand;
use super::structure::{REFERENCES, Section};
use super::{components, meta, notifying};
use crate::keys::{EncryptionSpec, KeySource};
use crate::plan::Plan;
use crate::sink::{Sink, SinkCapability};

/// Makes the plan of a backup; `None` where something is wrong, which the lookup then holds.
pub(super) fn plan(lookup: &mut Lookup<'_>, name: &str) -> Option<Plan> {
    let backup = lookup.backup(name)?;
    let [access, keys, transport] = REFERENCES.map(|(key, section)| lookup.reference(&backup, key, section));
    let entry = backup.parse::<BackupEntry>();
    let collection = entry.as_ref().and_then(|entry| entry.meta.collection_id.clone());
    let adapter = components::adapter(lookup, &backup);
    let built = transport.as_ref().and_then(|transport| components::transport(lookup, transport));
    let sink = access.and_then(|access| components::sink(lookup, &access, collection.as_deref().unwrap_or(name)));
    if let (Some(entry), Some(sink)) = (&entry, &sink) {
        check_relay(lookup, &backup, entry, sink.as_ref());
        check_retention(lookup, &backup, entry, sink.as_ref());
    }
    let encryption = keys.and_then(|keys| encryption(lookup, &keys));
    let (entry, (adapter_type, adapter)) = (entry?, adapter?);
    let spec = backup.value.get("spec").unwrap_or(&Value::Null);
    let plan = Plan::builder(name, adapter, built?, sink?, encryption?)
        .adapter_type(adapter_type)
        .transport_name(transport?)
        .compression(meta::compression(entry.meta.compression.as_ref(), spec))
        .relay(entry.meta.relay)
        .timeout(entry.meta.timeout.as_ref().and_then(meta::timeout))
        .retention(entry.meta.retention.as_ref().map(meta::retention))
        .time_zone(entry.meta.time_zone.as_deref().and_then(meta::time_zone).unwrap_or_else(TimeZone::system))
        .hooks(meta::hooks(&entry.meta.hooks))
        .scrubber(lookup.scrubber.clone());
    Some(plan.build())
}

fn check_relay(lookup: &mut Lookup<'_>, backup: &Used, entry: &BackupEntry, sink: &dyn Sink) {
    if entry.meta.relay == Some(false) && !sink.capabilities().contains(&SinkCapability::Delegate) {
        let pointer = format!("{}/meta/relay", backup.pointer);
        let message = "`relay: false` is not possible: an agent cannot use this kind of store directly";
        let finding = Finding::new(ConfigErrorKind::WrongValue, pointer, message);
        lookup.findings.push(finding.help("remove it: the encrypted data then goes through this host"));
    }
}

fn check_retention(lookup: &mut Lookup<'_>, backup: &Used, entry: &BackupEntry, sink: &dyn Sink) {
    let needed = [SinkCapability::List, SinkCapability::Remove];
    if entry.meta.retention.is_some() && !needed.iter().all(|needed| sink.capabilities().contains(needed)) {
        let pointer = format!("{}/meta/retention", backup.pointer);
        let message = "`retention` is not possible: this kind of store cannot list and remove versions";
        let finding = Finding::new(ConfigErrorKind::WrongValue, pointer, message).on_key();
        lookup.findings.push(finding.help("remove it, and let the store itself remove old versions"));
    }
}

/// The keys that a backup names.
pub(super) fn encryption_of(lookup: &mut Lookup<'_>, backup: &str) -> Option<EncryptionSpec> {
    let backup = lookup.backup(backup)?;
    let name = lookup.reference(&backup, "encryption", Section::Encryption)?;
    encryption(lookup, &name)
}

/// The keys of an entry.
pub(super) fn encryption(lookup: &mut Lookup<'_>, name: &str) -> Option<EncryptionSpec> {
    let used = lookup.used(Section::Encryption, name)?;
    let entry: EncryptionEntry = used.parse()?;
    if entry.private_key_path.is_empty() && entry.public_key_path.is_empty() {
        let message = format!("the encryption entry \"{name}\" has no key");
        let help = "set private_key_path, or only public_key_path on a host that never restores";
        lookup.findings.push(Finding::new(ConfigErrorKind::MissingKey, used.pointer, message).on_key().help(help));
        return None;
    }
    let file = |below: &str, path: &str| -> Option<KeySource> {
        let folder = lookup.loaded.sources.folder(&format!("{}{below}", used.pointer));
        (!path.is_empty()).then(|| KeySource::File(expand(path, &folder, &lookup.loaded.environment)))
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
pub(super) fn unused(lookup: &mut Lookup<'_>) {
    let loaded = lookup.loaded;
    for (name, _) in loaded.entries("accesses") {
        components::sink_type(lookup, name);
    }
    for (name, _) in loaded.entries("transports") {
        components::transport_type(lookup, name);
    }
    for (name, _) in loaded.entries("encryption") {
        encryption(lookup, name);
    }
    for (name, _) in loaded.entries("notifiers") {
        notifying::plan(lookup, name);
    }
    for (name, _) in loaded.entries("error_handlers") {
        lookup.used(Section::ErrorHandlers, name);
    }
}

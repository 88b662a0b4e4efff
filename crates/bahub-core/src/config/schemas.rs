//! The schemas of entries and of components' parts of them, each made and compiled once for a configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::defaults;
use super::model::{self, BackupEntry, EncryptionEntry, ErrorHandlerEntry, NotifierEntry, TransportEntry};
use super::structure::{Section, sink_key};
use crate::registry::Registry;

/// A schema, and what checks values against it.
pub(super) struct Schema {
    pub(super) value: Value,
    validator: OnceLock<Result<Validator, String>>,
}

impl Schema {
    /// What checks values.
    ///
    /// # Errors
    /// Why this is no valid schema.
    pub(super) fn validator(&self) -> Result<&Validator, &str> {
        let made = || jsonschema::validator_for(&self.value).map_err(|error| error.to_string());
        self.validator.get_or_init(made).as_ref().map_err(String::as_str)
    }
}

/// The schemas that a configuration has needed.
pub(super) struct Schemas {
    registry: Arc<Registry>,
    made: Mutex<BTreeMap<(&'static str, &'static str), Arc<Schema>>>,
}

impl Schemas {
    /// None yet.
    pub(super) fn new(registry: Arc<Registry>) -> Self {
        Self { registry, made: Mutex::default() }
    }

    /// Those that speak about parts of an entry. A component that is not registered has none.
    pub(super) fn of(&self, section: Section, entry: &Value) -> Vec<(&'static str, Arc<Schema>)> {
        let type_at = |pointer| entry.pointer(pointer).and_then(Value::as_str);
        let whole = |make: fn() -> Value| ("", self.once(section, "", make));
        let (own, spec) = match section {
            Section::Accesses => {
                let sink = sink_key(entry).and_then(|key| self.registry.sink(&key).ok());
                let of_sink = |sink: &crate::registry::Entry<_, _>| {
                    ("", self.once(section, sink.type_name, || with_type(sink.schema())))
                };
                return sink.map(of_sink).into_iter().collect();
            }
            Section::Encryption => (whole(model::schema_of::<EncryptionEntry>), None),
            Section::Notifiers => {
                let found = type_at("/type").and_then(|name| self.registry.notifier(name).ok());
                let spec = found.map(|entry| self.once(section, entry.type_name, || entry.schema().clone()));
                (whole(model::schema_of::<NotifierEntry>), spec)
            }
            Section::ErrorHandlers => (whole(model::schema_of::<ErrorHandlerEntry>), None),
            Section::Transports => {
                let found = type_at("/type").and_then(|name| self.registry.transport(name).ok());
                let spec = found.map(|entry| self.once(section, entry.type_name, || entry.schema().clone()));
                (whole(model::schema_of::<TransportEntry>), spec)
            }
            Section::Backups => {
                let found = type_at("/meta/type").and_then(|name| self.registry.adapter(name).ok());
                let spec = found.map(|entry| self.once(section, entry.type_name, || entry.schema().clone()));
                (whole(model::schema_of::<BackupEntry>), spec)
            }
        };
        std::iter::once(own).chain(spec.map(|spec| ("/spec", spec))).collect()
    }

    /// The one of `defaults`: of all keys of `meta` that are not a backup's own, none required.
    pub(super) fn of_defaults(&self) -> Arc<Schema> {
        self.schema(defaults::SECTION, "", || schema_of_defaults(model::schema_of::<BackupEntry>()))
    }

    /// The schema of an entry's own fields (`of` is empty), or of this component.
    fn once(&self, section: Section, of: &'static str, make: impl FnOnce() -> Value) -> Arc<Schema> {
        self.schema(section.name(), of, make)
    }

    fn schema(&self, section: &'static str, of: &'static str, make: impl FnOnce() -> Value) -> Arc<Schema> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = || Arc::new(Schema { value: make(), validator: OnceLock::new() });
        Arc::clone(made.entry((section, of)).or_insert_with(schema))
    }
}

/// Out of the schema of an entry of `backups`.
pub(super) fn schema_of_defaults(backup: Value) -> Value {
    let mut meta = backup.pointer("/properties/meta").cloned().unwrap_or_default();
    if let Some(meta) = meta.as_object_mut() {
        meta.remove("required");
        meta.insert("description".into(), "Keys of `meta` for every backup that does not set them itself.".into());
    }
    if let Some(properties) = meta.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|key, _| !defaults::OWN.contains(&key.as_str()));
    }
    meta
}

/// A sink's schema speaks about an access without `type`; the entry may have one.
pub(super) fn with_type(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            let description = "Chooses the kind of store; by default the scheme of `url` does.";
            properties.entry("type").or_insert_with(|| json!({ "type": "string", "description": description }));
        }
    }
    schema
}

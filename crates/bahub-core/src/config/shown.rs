//! A backup as its owner may look at it: everything filled in, no secret.

use serde_json::{Map, Value, json};

use super::planning::Planning;
use super::redaction;
use super::shape::Shapes;
use super::structure::{self, REFERENCES, Section};

/// Stands where a secret was.
const MARK: &str = "[redacted]";

impl Planning<'_> {
    /// The backup and the entries that it names, by section.
    pub(super) fn shown(&mut self, name: &str) -> Option<Value> {
        let mut sections = Map::new();
        let mut backup = self.redacted(Section::Backups, name)?;
        if let Some(meta) = backup.get_mut("meta").and_then(Value::as_object_mut) {
            meta.entry("collection_id").or_insert_with(|| name.into());
        }
        for (key, section) in REFERENCES {
            let entry = backup.pointer(&format!("/meta/{key}")).and_then(Value::as_str)?.to_owned();
            let value = self.redacted(section, &entry)?;
            sections.insert(section.name().to_owned(), json!({ entry: value }));
        }
        sections.insert(Section::Backups.name().to_owned(), json!({ name: backup }));
        Some(Value::Object(sections))
    }

    fn redacted(&mut self, section: Section, name: &str) -> Option<Value> {
        let mut value = self.used(section, name)?.value;
        redact(&mut value, "", &Shapes::of(&Value::Null), self);
        for (below, schema) in structure::schemas(section, &value.clone(), &self.config.registry) {
            if let Some(part) = value.pointer_mut(below) {
                redact(part, "", &Shapes::of(&schema), self);
            }
        }
        Some(value)
    }
}

/// Replaces what is a secret by its schema or its name, and every known secret within other texts.
fn redact(value: &mut Value, name: &str, shapes: &Shapes<'_>, planning: &Planning<'_>) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| redact(value, name, &shapes.member(name), planning));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, name, &shapes.items(), planning)),
        Value::String(text) if text.is_empty() => {}
        Value::String(_) | Value::Number(_) if shapes.is_secret() || redaction::is_sensitive(name) => {
            *value = MARK.into();
        }
        Value::String(text) => {
            for secret in redaction::url_secrets(text).into_iter().rev() {
                text.replace_range(secret, MARK);
            }
            *text = planning.scrubber.scrub(text);
        }
        _ => {}
    }
}

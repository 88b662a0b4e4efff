//! A backup as its owner may look at it: everything filled in, no secret.

use serde_json::{Map, Value, json};

use super::lookup::Lookup;
use super::redaction;
use super::shape::Shapes;
use super::structure::{REFERENCES, Section};

/// Stands where a secret was.
const MARK: &str = "[redacted]";

/// The backup and the entries that it names, by section.
pub(super) fn shown(lookup: &mut Lookup<'_>, name: &str) -> Option<Value> {
    let mut sections = Map::new();
    let mut backup = redacted(lookup, Section::Backups, name)?;
    if let Some(meta) = backup.get_mut("meta").and_then(Value::as_object_mut) {
        meta.entry("collection_id").or_insert_with(|| name.into());
    }
    for (key, section) in REFERENCES {
        let entry = backup.pointer(&format!("/meta/{key}")).and_then(Value::as_str)?.to_owned();
        let value = redacted(lookup, section, &entry)?;
        sections.insert(section.name().to_owned(), json!({ entry: value }));
    }
    sections.insert(Section::Backups.name().to_owned(), json!({ name: backup }));
    Some(Value::Object(sections))
}

fn redacted(lookup: &mut Lookup<'_>, section: Section, name: &str) -> Option<Value> {
    let mut value = lookup.used(section, name)?.value;
    redact(&mut value, "", &Shapes::of(&Value::Null), lookup);
    for (below, schema) in lookup.loaded.schemas.of(section, &value.clone()) {
        if let Some(part) = value.pointer_mut(below) {
            redact(part, "", &Shapes::of(&schema.value), lookup);
        }
    }
    Some(value)
}

/// Replaces what is a secret by its schema or its name, and every known secret within other texts.
fn redact(value: &mut Value, name: &str, shapes: &Shapes<'_>, lookup: &Lookup<'_>) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| redact(value, name, &shapes.member(name), lookup));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, name, &shapes.items(), lookup)),
        Value::String(text) if text.is_empty() => {}
        Value::String(_) | Value::Number(_) if shapes.is_secret() || redaction::is_sensitive(name) => {
            *value = MARK.into();
        }
        Value::String(text) => {
            for secret in redaction::url_secrets(text).into_iter().rev() {
                text.replace_range(secret, MARK);
            }
            *text = lookup.scrubber.scrub(text);
        }
        _ => {}
    }
}

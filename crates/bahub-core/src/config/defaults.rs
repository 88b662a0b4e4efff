//! `defaults`: keys of `meta` for every backup that does not set them itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::schemas::Schemas;
use super::sentences::{self, Part};
use super::shape::{self, Shapes};
use super::structure::Section;
use super::tree::member;

/// The section's name.
pub(super) const SECTION: &str = "defaults";

/// What only a backup itself can say: collections of the same id would be one.
pub(super) const OWN: [&str; 2] = ["type", "collection_id"];

/// Gives each backup what it does not set: of a key that it does set nothing is taken.
pub(super) fn apply(merged: &mut Value) {
    let Some(Value::Object(defaults)) = merged.get(SECTION).cloned() else { return };
    let backups = merged.get_mut(Section::Backups.name()).and_then(Value::as_object_mut);
    for backup in backups.into_iter().flat_map(Map::values_mut) {
        let Some(meta) = backup.get_mut("meta").and_then(Value::as_object_mut) else { continue };
        for (key, value) in defaults.iter().filter(|(key, _)| !OWN.contains(&key.as_str())) {
            meta.entry(key.as_str()).or_insert_with(|| value.clone());
        }
    }
}

/// What is wrong with the section itself. What a backup takes from it is checked there once more, and reported at the same place.
pub(super) fn check(merged: &Value, schemas: &Schemas, open: &BTreeSet<String>) -> Vec<Finding> {
    let pointer = member("", SECTION);
    let mut defaults = match merged.get(SECTION) {
        Some(Value::Object(defaults)) => defaults.clone(),
        Some(_) => {
            let message = format!("the section \"{SECTION}\" must be a mapping");
            return vec![Finding::new(ConfigErrorKind::WrongType, pointer, message).on_key()];
        }
        None => return Vec::new(),
    };
    let own = OWN.into_iter().filter(|key| defaults.remove(*key).is_some());
    let own = own.map(|key| {
        Finding::new(ConfigErrorKind::UnknownKey, member(&pointer, key), format!("\"{key}\" cannot be a default"))
            .on_key()
            .help("set it in the `meta` of each backup")
    });
    let mut findings: Vec<_> = own.collect();
    let (schema, mut value) = (schemas.of_defaults(), Value::Object(defaults));
    shape::coerce(&mut value, &Shapes::of(&schema.value));
    findings.extend(sentences::check(&Part { pointer: &pointer, value: &value, schema: &schema, open }));
    findings
}

/// The key of `meta` that a pointer leads to or into, and the pointer that the same has in the defaults: `/backups/shop/meta/access` is
/// `/defaults/access` there.
pub(super) fn origin(pointer: &str) -> Option<(String, String)> {
    let (backup, below) = pointer.strip_prefix("/backups/")?.split_once('/')?;
    let below = below.strip_prefix("meta/")?;
    let key = below.split('/').next()?;
    Some((format!("/backups/{backup}/meta/{key}"), member("", SECTION) + "/" + below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_backup_has_the_defaults_that_it_does_not_set() {
        let mut merged = json!({
            "defaults": { "access": "here", "compression": { "level": 9 }, "type": "x", "collection_id": "y" },
            "backups": { "a": { "meta": { "type": "t" } }, "b": { "meta": { "access": "there", "compression": "gzip" } }, "c": 1 },
        });
        apply(&mut merged);
        let a = json!({ "type": "t", "access": "here", "compression": { "level": 9 } });
        assert_eq!(merged["backups"]["a"]["meta"], a);
        assert_eq!(merged["backups"]["b"]["meta"], json!({ "access": "there", "compression": "gzip" }));
    }

    #[test]
    fn a_pointer_into_meta_has_an_origin() {
        let origin = |pointer| origin(pointer);
        let there = ("/backups/a~1b/meta/compression".to_owned(), "/defaults/compression/level".to_owned());
        assert_eq!(origin("/backups/a~1b/meta/compression/level"), Some(there));
        for other in ["/backups/a/meta", "/backups/a/spec/meta/x", "/accesses/a/meta/x", ""] {
            assert_eq!(origin(other), None, "{other}");
        }
    }
}

//! The JSON Schema of a whole configuration file, for editors.

use serde_json::{Map, Value, json};

use super::model::{self, BackupEntry, EncryptionEntry, ErrorHandlerEntry, NotifierEntry, TransportEntry};
use super::schemas::{schema_of_defaults, with_type};
use crate::registry::{Entry, Kind, Registry};

/// The JSON Schema (draft 2020-12) of a whole file with the `spec` of every registered component.
///
/// It is for editors: where a number or a boolean is wanted it takes a text with `${...}` as well.
pub fn schema(registry: &Registry) -> Value {
    let entries = |entry: Value, description: &str| json!({ "type": ["object", "null"], "description": description, "additionalProperties": entry });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bahub configuration",
        "description": "What the Backup Controller backs up, how, and where to.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "accesses": entries(access(registry), "Where versions are kept."),
            "encryption": entries(editable::<EncryptionEntry>(), "Who backups are encrypted for."),
            "transports": entries(transport(registry), "Where the data is: how commands are run there."),
            "backups": entries(backup(registry), "What is backed up."),
            "defaults": defaults(),
            "notifiers": entries(notifier(registry), "Where notifications about runs go."),
            "error_handlers": entries(editable::<ErrorHandlerEntry>(), "Where errors are reported. Accepted, but without effect yet."),
        },
    })
}

fn editable<T: schemars::JsonSchema>() -> Value {
    let mut schema = model::schema_of::<T>();
    embed(&mut schema, None);
    schema
}

fn access(registry: &Registry) -> Value {
    let mut cases = Vec::new();
    for sink in registry.sinks() {
        let mut entry = with_type(sink.schema());
        embed(&mut entry, Some(&format!("bahub:sink:{}", sink.type_name)));
        let schemes = sink.aliases.join("|");
        cases.push(json!({
            "if": { "anyOf": [
                { "required": ["type"], "properties": { "type": { "enum": names(sink) } } },
                { "not": { "required": ["type"] }, "required": ["url"],
                  "properties": { "url": { "pattern": format!("^({schemes}):") } } },
            ] },
            "then": entry,
        }));
    }
    let mut schema = json!({
        "type": "object",
        "anyOf": [{ "required": ["url"] }, { "required": ["type"] }],
        "properties": {
            "url": { "type": "string", "description": "Where versions are kept; its scheme chooses the kind of store." },
            "type": { "type": "string", "description": "Chooses the kind of store; by default the scheme of `url` does." },
        },
    });
    set_cases(&mut schema, cases);
    schema
}

fn transport(registry: &Registry) -> Value {
    let mut schema = editable::<TransportEntry>();
    let cases =
        registry.transports().map(|entry| (names(entry), with_spec(Kind::Transport, entry.type_name, entry.schema())));
    let cases = cases.map(|(names, then)| {
        json!({ "if": { "required": ["type"], "properties": { "type": { "enum": names } } }, "then": then })
    });
    set_cases(&mut schema, cases.collect());
    let known = registry.transports().flat_map(names).collect::<Vec<_>>();
    set_type(&mut schema, "/properties/type", known_types(known, registry, Kind::Transport));
    schema
}

fn notifier(registry: &Registry) -> Value {
    let mut schema = editable::<NotifierEntry>();
    let cases = registry.notifiers().map(|entry| {
        // Its address may stand beside `spec`, as the original had it.
        let mut then = with_spec(Kind::Notifier, entry.type_name, entry.schema());
        then["required"] = json!([]);
        json!({ "if": { "required": ["type"], "properties": { "type": { "enum": names(entry) } } }, "then": then })
    });
    set_cases(&mut schema, cases.collect());
    let known = registry.notifiers().flat_map(names).collect::<Vec<_>>();
    // A program without notifiers accepts them all, and says that they have no effect.
    if !known.is_empty() {
        set_type(&mut schema, "/properties/type", known_types(known, registry, Kind::Notifier));
    }
    schema
}

fn defaults() -> Value {
    schema_of_defaults(editable::<BackupEntry>())
}

fn backup(registry: &Registry) -> Value {
    let mut schema = editable::<BackupEntry>();
    // What is missing may stand in the defaults.
    if let Some(Value::Object(meta)) = schema.pointer_mut("/properties/meta") {
        meta.insert("required".into(), json!(["type"]));
    }
    let cases =
        registry.adapters().map(|entry| (names(entry), with_spec(Kind::Adapter, entry.type_name, entry.schema())));
    let cases = cases.map(|(names, then)| {
        let meta = json!({ "required": ["type"], "properties": { "type": { "enum": names } } });
        json!({ "if": { "required": ["meta"], "properties": { "meta": meta } }, "then": then })
    });
    set_cases(&mut schema, cases.collect());
    let known = registry.adapters().flat_map(names).collect::<Vec<_>>();
    set_type(&mut schema, "/properties/meta/properties/type", known_types(known, registry, Kind::Adapter));
    schema
}

fn with_spec(kind: Kind, type_name: &str, schema: &Value) -> Value {
    let mut spec = schema.clone();
    embed(&mut spec, Some(&format!("bahub:{kind}:{type_name}")));
    let needed = spec.get("required").and_then(Value::as_array).is_some_and(|required| !required.is_empty());
    let required = if needed { json!(["spec"]) } else { json!([]) };
    json!({ "properties": { "spec": spec }, "required": required })
}

fn names<T: ?Sized, C>(entry: &Entry<T, C>) -> Vec<&'static str> {
    std::iter::once(entry.type_name).chain(entry.aliases.iter().copied()).collect()
}

fn known_types(mut known: Vec<&'static str>, registry: &Registry, kind: Kind) -> Value {
    for absent in registry.absent(kind) {
        known.push(absent.type_name);
        known.extend(absent.aliases);
    }
    json!({ "anyOf": [{ "enum": known }, variable()] })
}

/// Applies a component's schema where its type is named. An empty `allOf` is not allowed.
fn set_cases(schema: &mut Value, cases: Vec<Value>) {
    if let Some(schema) = schema.as_object_mut().filter(|_| !cases.is_empty()) {
        schema.insert("allOf".to_owned(), Value::Array(cases));
    }
}

/// Replaces the schema of a type string, except its description.
fn set_type(schema: &mut Value, pointer: &str, known: Value) {
    if let (Some(Value::Object(property)), Value::Object(known)) = (schema.pointer_mut(pointer), known) {
        property.remove("type");
        property.extend(known);
    }
}

fn variable() -> Value {
    json!({ "type": "string", "pattern": "\\$\\{[^}]+\\}" })
}

/// Makes a schema of its own part of the whole one. References inside of it need a base of their own.
fn embed(schema: &mut Value, id: Option<&str>) {
    let_variables_in(schema);
    let refers = schema.to_string().contains("\"$ref\"");
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
        if let (Some(id), true) = (id, refers) {
            schema.insert("$id".to_owned(), Value::from(id.replace(char::is_whitespace, "-")));
        }
    }
}

/// Lets every scalar that is not any text be a text with `${...}` too.
fn let_variables_in(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if is_scalar(object) && !takes_any_text(object) {
        let mut strict = std::mem::take(object);
        for kept in ["title", "description", "default", "deprecated", "writeOnly"] {
            object.extend(strict.remove(kept).map(|value| (kept.to_owned(), value)));
        }
        object.insert("anyOf".to_owned(), json!([strict, variable()]));
        return;
    }
    for keyword in ["properties", "patternProperties", "$defs"] {
        let parts = object.get_mut(keyword).and_then(Value::as_object_mut);
        parts.into_iter().flat_map(|parts| parts.values_mut()).for_each(let_variables_in);
    }
    for keyword in ["items", "additionalProperties", "then", "else"] {
        object.get_mut(keyword).into_iter().for_each(let_variables_in);
    }
    for keyword in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let parts = object.get_mut(keyword).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(let_variables_in);
    }
}

fn is_scalar(schema: &Map<String, Value>) -> bool {
    let scalar = |name: &Value| name != "object" && name != "array";
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().all(scalar),
        Some(name) => scalar(name) && name != "null",
        None => match schema.get("oneOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().all(|branch| branch.get("const").is_some_and(|value| !value.is_object())),
            None => schema.contains_key("enum") || schema.contains_key("const"),
        },
    }
}

fn takes_any_text(schema: &Map<String, Value>) -> bool {
    let is_text = match schema.get("type") {
        Some(Value::Array(names)) => names.contains(&Value::from("string")),
        Some(name) => name == "string",
        None => false,
    };
    is_text && !["enum", "const", "pattern", "format", "maxLength"].iter().any(|keyword| schema.contains_key(*keyword))
}

//! Walks a value beside its schema: which schemas speak about which part of it.

use serde_json::{Map, Value};

use super::redaction;
use super::tree::member;

/// Schemas that all, or one or the other, speak about the same value.
#[derive(Clone)]
pub(super) struct Shapes<'a> {
    root: &'a Value,
    schemas: Vec<&'a Map<String, Value>>,
}

/// References are followed this far; a schema that goes deeper speaks of itself.
const DEEPEST: usize = 16;

impl<'a> Shapes<'a> {
    pub(super) fn of(root: &'a Value) -> Self {
        let mut schemas = Vec::new();
        flatten(root, root, DEEPEST, &mut schemas);
        Self { root, schemas }
    }

    /// Those that speak about a member of a mapping.
    pub(super) fn member(&self, name: &str) -> Self {
        self.below(|schema| {
            let properties = schema.get("properties").and_then(|properties| properties.get(name));
            properties.or_else(|| schema.get("additionalProperties"))
        })
    }

    /// Those that speak about the items of a sequence.
    pub(super) fn items(&self) -> Self {
        self.below(|schema| schema.get("items"))
    }

    /// Those that speak about what a pointer, relative to this, points to in `value`.
    pub(super) fn at(&self, tokens: impl Iterator<Item = String>, value: &Value) -> Self {
        let mut value = Some(value);
        tokens.fold(self.clone(), |shapes, token| {
            let is_sequence = value.is_some_and(Value::is_array);
            value = value.and_then(|value| match value {
                Value::Array(items) => items.get(token.parse::<usize>().ok()?),
                value => value.get(&token),
            });
            if is_sequence { shapes.items() } else { shapes.member(&token) }
        })
    }

    /// Every key that is known here.
    pub(super) fn keys(&self) -> Vec<&'a str> {
        let mut keys: Vec<&str> = Vec::new();
        for schema in &self.schemas {
            let properties = schema.get("properties").and_then(Value::as_object);
            for key in properties.into_iter().flat_map(Map::keys) {
                if !keys.contains(&key.as_str()) {
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// The first line of the description.
    pub(super) fn description(&self) -> Option<&'a str> {
        let mut said = self.schemas.iter().filter_map(|schema| schema.get("description")?.as_str());
        said.next().and_then(|text| text.lines().next())
    }

    /// True if the value is never shown.
    pub(super) fn is_secret(&self) -> bool {
        self.schemas.iter().any(|schema| schema.get("writeOnly") == Some(&Value::Bool(true)))
    }

    fn takes(&self, name: &str) -> bool {
        self.schemas.iter().any(|schema| match schema.get("type") {
            Some(Value::String(one)) => one == name,
            Some(Value::Array(several)) => several.iter().any(|one| one == name),
            _ => false,
        })
    }

    fn below(&self, pick: impl Fn(&'a Map<String, Value>) -> Option<&'a Value>) -> Self {
        let mut schemas = Vec::new();
        for schema in self.schemas.iter().filter_map(|schema| pick(schema)) {
            flatten(schema, self.root, DEEPEST, &mut schemas);
        }
        Self { root: self.root, schemas }
    }
}

fn flatten<'a>(schema: &'a Value, root: &'a Value, depth: usize, into: &mut Vec<&'a Map<String, Value>>) {
    let (Some(schema), true) = (schema.as_object(), depth > 0) else { return };
    into.push(schema);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|to| root.pointer(to.strip_prefix('#')?))
    {
        flatten(target, root, depth - 1, into);
    }
    for branches in ["allOf", "anyOf", "oneOf"] {
        for branch in schema.get(branches).and_then(Value::as_array).into_iter().flatten() {
            flatten(branch, root, depth - 1, into);
        }
    }
    for branch in ["then", "else"].iter().filter_map(|name| schema.get(*name)) {
        flatten(branch, root, depth - 1, into);
    }
}

/// Turns texts into the number or boolean that the schema wants, where the text says exactly that.
pub(super) fn coerce(value: &mut Value, shapes: &Shapes<'_>) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| coerce(value, &shapes.member(name)));
        }
        Value::Array(items) => {
            let shapes = shapes.items();
            items.iter_mut().for_each(|item| coerce(item, &shapes));
        }
        Value::String(text) if !shapes.takes("string") => {
            if let Some(typed) = typed(text, shapes) {
                *value = typed;
            }
        }
        _ => {}
    }
}

fn typed(text: &str, shapes: &Shapes<'_>) -> Option<Value> {
    if shapes.takes("boolean") {
        // YAML 1.1, which the original product read, takes these as booleans.
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => return Some(Value::Bool(true)),
            "false" | "no" | "off" => return Some(Value::Bool(false)),
            _ => {}
        }
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    if shapes.takes("integer") || shapes.takes("number") {
        if let Ok(number) = text.parse::<u64>() {
            return Some(Value::from(number));
        }
        if let Ok(number) = text.parse::<i64>() {
            return Some(Value::from(number));
        }
    }
    let number = text.parse::<f64>().ok().filter(|_| shapes.takes("number"))?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// Calls `visit` with every text that is a secret by its schema or by its name.
pub(super) fn secrets<'a>(value: &'a Value, name: &str, shapes: &Shapes<'_>, visit: &mut dyn FnMut(&'a str)) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| secrets(value, name, &shapes.member(name), visit));
        }
        Value::Array(items) => items.iter().for_each(|item| secrets(item, name, &shapes.items(), visit)),
        Value::String(text) if shapes.is_secret() || redaction::is_sensitive(name) => visit(text),
        Value::String(text) => {
            redaction::url_secrets(text).into_iter().for_each(|secret| visit(&text[secret]));
        }
        _ => {}
    }
}

/// Calls `visit` with every text that may hold an expression, and its pointer.
pub(super) fn expressions(value: &Value, pointer: &str, visit: &mut dyn FnMut(&str, &str)) {
    let is_plain = |value: &Value| match value {
        Value::String(text) => !text.contains('$'),
        Value::Object(_) | Value::Array(_) => false,
        _ => true,
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(_, value)| !is_plain(value)) {
                expressions(value, &member(pointer, name), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_plain(item)) {
                expressions(item, &format!("{pointer}/{index}"), visit);
            }
        }
        Value::String(text) => visit(pointer, text),
        _ => {}
    }
}

//! Checks a value against a JSON Schema and reports what does not fit, in our words.

use std::collections::BTreeSet;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::defaults;
use super::error::ConfigErrorKind;
use super::finding::{Finding, Target};
use super::schemas::Schema;
use super::shape::Shapes;
use super::suggest;
use super::tree::{holder, last_name, member, tokens};

/// A part of the configuration and what it must look like.
pub(super) struct Part<'a> {
    /// Where the part stands in the whole.
    pub(super) pointer: &'a str,
    pub(super) value: &'a Value,
    pub(super) schema: &'a Schema,
    /// Pointers of values that are not filled in: they count as any scalar.
    pub(super) open: &'a BTreeSet<String>,
}

/// Everything that does not fit.
pub(super) fn check(part: &Part<'_>) -> Vec<Finding> {
    match part.schema.validator() {
        Ok(validator) => without_echoes(validator.iter_errors(part.value).flat_map(|error| part.say(&error)).collect()),
        Err(error) => {
            let message = format!("the schema of this component is not valid: {error}");
            vec![Finding::new(ConfigErrorKind::Component, part.pointer, message).help("this is a bug in the program")]
        }
    }
}

/// A key that is missing because it was misspelt is reported once: as misspelt.
fn without_echoes(findings: Vec<Finding>) -> Vec<Finding> {
    let meant = |finding: &Finding| {
        let help = finding.help.as_ref().filter(|_| finding.kind == ConfigErrorKind::UnknownKey)?.to_string();
        let (name, _) = help.strip_prefix("did you mean \"")?.split_once('"')?;
        Some(format!("{} {name}", holder(&finding.pointer)?))
    };
    let meant: BTreeSet<String> = findings.iter().filter_map(meant).collect();
    let echoes = |finding: &Finding| match &finding.target {
        Target::Missing(key) => meant.contains(&format!("{} {key}", finding.pointer)),
        _ => false,
    };
    findings.into_iter().filter(|finding| !echoes(finding)).collect()
}

impl Part<'_> {
    fn say(&self, error: &ValidationError<'_>) -> Vec<Finding> {
        let within = error.instance_path().to_string();
        let pointer = format!("{}{within}", self.pointer);
        if self.is_filled_in_later(&pointer, error.kind()) {
            return Vec::new();
        }
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let shapes = self.shapes(&within);
                unexpected.iter().map(|key| unknown_key(&pointer, key, &shapes.keys())).collect()
            }
            Kind::Required { property } => vec![self.missing_key(&within, property.as_str().unwrap_or_default())],
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.say_branches(&within, error, context),
            _ => vec![self.say_value(&pointer, error)],
        }
    }

    fn say_value(&self, pointer: &str, error: &ValidationError<'_>) -> Finding {
        let name = name_of(pointer);
        let wrong = |message: String| Finding::new(ConfigErrorKind::WrongValue, pointer, message);
        match error.kind() {
            Kind::Type { kind } => self.wrong_type(pointer, &types(kind), error.instance()),
            Kind::Enum { options } => one_of(pointer, error.instance(), options.as_array().into_iter().flatten()),
            Kind::Constant { expected_value } => one_of(pointer, error.instance(), [&**expected_value].into_iter()),
            Kind::Minimum { limit } => wrong(format!("{name} must be at least {limit}")),
            Kind::Maximum { limit } => wrong(format!("{name} must be at most {limit}")),
            Kind::ExclusiveMinimum { limit } => wrong(format!("{name} must be more than {limit}")),
            Kind::ExclusiveMaximum { limit } => wrong(format!("{name} must be less than {limit}")),
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
                wrong(format!("{name} must not be empty"))
            }
            Kind::MinLength { limit } => wrong(format!("{name} must have at least {limit} characters")),
            Kind::MaxLength { limit } => wrong(format!("{name} must have at most {limit} characters")),
            Kind::MinItems { limit } | Kind::MinProperties { limit } => {
                wrong(format!("{name} must have at least {limit} entries"))
            }
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
                wrong(format!("{name} must have at most {limit} entries"))
            }
            Kind::AdditionalItems { limit } => wrong(format!("{name} must have at most {limit} entries")),
            Kind::UniqueItems => wrong(format!("{name} contains the same entry twice")),
            Kind::Pattern { pattern } => {
                wrong(format!("{name} has the wrong format")).help(format!("it must match {pattern}"))
            }
            Kind::Format { format } => wrong(format!("{name} is not a valid {format}")),
            Kind::OneOfMultipleValid { .. } => wrong(format!("{name} is ambiguous")),
            other => wrong(format!("{name} does not match the schema"))
                .help(format!("the schema's rule is \"{}\"", other.keyword())),
        }
    }

    /// One of several shapes was wanted: the error is about the one that was probably meant.
    fn say_branches(
        &self,
        within: &str,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
    ) -> Vec<Finding> {
        let pointer = format!("{}{within}", self.pointer);
        let here = |error: &&ValidationError<'static>| error.instance_path().to_string() == within;
        if let Some(options) = options(branches) {
            return if self.open.contains(&pointer) {
                Vec::new()
            } else {
                vec![one_of(&pointer, error.instance(), options.iter())]
            };
        }
        let mistyped = |branch: &&Vec<ValidationError<'static>>| {
            branch.iter().filter(here).any(|error| matches!(error.kind(), Kind::Type { .. }))
        };
        let mut meant: Vec<_> = branches.iter().filter(|branch| !mistyped(branch)).collect();
        if meant.is_empty() && !self.open.contains(&pointer) {
            let wanted = branches.iter().flatten().filter(here).flat_map(|error| match error.kind() {
                Kind::Type { kind } => types(kind),
                _ => Vec::new(),
            });
            return vec![self.wrong_type(&pointer, &wanted.collect::<Vec<_>>(), error.instance())];
        }
        if meant.is_empty() {
            meant = branches.iter().collect();
        }
        let said = meant.into_iter().map(|branch| branch.iter().flat_map(|error| self.say(error)).collect::<Vec<_>>());
        said.min_by_key(Vec::len).unwrap_or_default()
    }

    /// A variable can become any scalar, and never a mapping or a list.
    fn is_filled_in_later(&self, pointer: &str, kind: &Kind) -> bool {
        self.open.contains(pointer)
            && match kind {
                Kind::Type { kind } => types(kind)
                    .iter()
                    .any(|wanted| !matches!(wanted, JsonType::Array | JsonType::Object | JsonType::Null)),
                Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => false,
                _ => true,
            }
    }

    fn wrong_type(&self, pointer: &str, wanted: &[JsonType], found: &Value) -> Finding {
        let mut words: Vec<&str> = Vec::new();
        for word in wanted.iter().filter(|wanted| **wanted != JsonType::Null).map(|wanted| wanted_word(*wanted)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let message = format!("{} must be {}, not {}", name_of(pointer), words.join(" or "), found_word(found));
        let finding = Finding::new(ConfigErrorKind::WrongType, pointer, message);
        match found {
            Value::Number(_) | Value::Bool(_) if wanted.contains(&JsonType::String) => finding.help("put it in quotes"),
            Value::Null if wanted.contains(&JsonType::String) => {
                finding.on_key().help("write \"\" for an empty string, or remove the line")
            }
            Value::Null => finding.on_key().help("write a value, or remove the line"),
            Value::String(_) if wanted == [JsonType::Array] => {
                finding.help("write [value], or \"- value\" lines below")
            }
            _ => match self.shapes(pointer.strip_prefix(self.pointer).unwrap_or_default()).description() {
                Some(description) => finding.help(description.to_owned()),
                None => finding,
            },
        }
    }

    fn missing_key(&self, within: &str, key: &str) -> Finding {
        let pointer = format!("{}{within}", self.pointer);
        let message = match last_name(&pointer) {
            Some(holder) => format!("the key \"{key}\" is missing in \"{holder}\""),
            None => format!("the key \"{key}\" is missing"),
        };
        let mut finding = Finding::new(ConfigErrorKind::MissingKey, &pointer, message);
        finding.target = Target::Missing(key.to_owned());
        let has_defaults =
            pointer.starts_with("/backups/") && pointer.ends_with("/meta") && !defaults::OWN.contains(&key);
        let once = if has_defaults { " Once for all backups: in `defaults`." } else { "" };
        match self.shapes(within).member(key).description() {
            Some(description) => finding.help(format!("{key}: {description}{once}")),
            None => finding.help(format!("add \"{key}:\" there")),
        }
    }

    fn shapes(&self, within: &str) -> Shapes<'_> {
        Shapes::of(&self.schema.value).at(tokens(within), self.value)
    }
}

/// An unknown key, with the known ones.
pub(super) fn unknown_key(pointer: &str, key: &str, known: &[&str]) -> Finding {
    let message = format!("unknown key \"{key}\"");
    let finding = Finding::new(ConfigErrorKind::UnknownKey, member(pointer, key), message).on_key();
    finding.help(suggest::help(key, "known keys", known.iter().copied()))
}

fn one_of<'a>(pointer: &str, found: &Value, options: impl Iterator<Item = &'a Value>) -> Finding {
    let known: Vec<String> = options.filter(|option| !option.is_null()).map(plain).collect();
    let message = format!("{} has an unknown value", name_of(pointer));
    let known = known.iter().map(String::as_str);
    Finding::new(ConfigErrorKind::WrongValue, pointer, message).help(suggest::help(
        &plain(found),
        "known values",
        known,
    ))
}

/// The constants, if all that several branches want here is one constant or another.
fn options(branches: &[Vec<ValidationError<'static>>]) -> Option<Vec<Value>> {
    let mut options = Vec::new();
    for error in branches.iter().flatten() {
        match error.kind() {
            Kind::Constant { expected_value } => options.push(Value::clone(expected_value)),
            Kind::Enum { options: several } => options.extend(several.as_array().into_iter().flatten().cloned()),
            Kind::Type { .. } if error.instance().is_string() => {}
            _ => return None,
        }
    }
    (!options.is_empty()).then_some(options)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn name_of(pointer: &str) -> String {
    let last = tokens(pointer).last().unwrap_or_default();
    match (last.parse::<usize>(), last_name(pointer)) {
        (Ok(index), Some(name)) => format!("entry {} of \"{name}\"", index + 1),
        (_, Some(name)) => format!("\"{name}\""),
        (_, None) => "the configuration".to_owned(),
    }
}

fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(several) => several.iter().collect(),
    }
}

fn wanted_word(wanted: JsonType) -> &'static str {
    match wanted {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "a mapping",
    }
}

fn found_word(found: &Value) -> &'static str {
    match found {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

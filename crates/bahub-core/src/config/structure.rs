//! The structure of the sections: what each entry must look like, given the components that are known.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::meta;
use super::schemas::Schemas;
use super::sentences::{self, Part};
use super::shape::{self, Shapes};
use super::tree::member;
use super::{defaults, expression, notifying, suggest};

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Accesses,
    Encryption,
    Transports,
    Backups,
    Notifiers,
    ErrorHandlers,
}

impl Section {
    pub(super) const ALL: [Self; 6] =
        [Self::Accesses, Self::Encryption, Self::Transports, Self::Backups, Self::Notifiers, Self::ErrorHandlers];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accesses => "accesses",
            Self::Encryption => "encryption",
            Self::Transports => "transports",
            Self::Backups => "backups",
            Self::Notifiers => "notifiers",
            Self::ErrorHandlers => "error_handlers",
        }
    }

    /// The pointer to an entry.
    pub(super) fn entry(self, name: &str) -> String {
        member(&format!("/{}", self.name()), name)
    }
}

/// Which key of `meta` names an entry of which section.
pub(super) const REFERENCES: [(&str, Section); 3] =
    [("access", Section::Accesses), ("encryption", Section::Encryption), ("transport", Section::Transports)];

/// Checks what needs no variables, other files, or missing components, in the whole file.
pub(super) fn check(merged: &Value, schemas: &Schemas) -> Vec<Finding> {
    let mut findings = unknown_sections(merged);
    let mut open = BTreeSet::new();
    shape::expressions(merged, "", &mut |pointer, text| {
        if let Err(malformed) = expression::parse(text) {
            findings.push(bad_expression(pointer, &malformed));
        }
        if expression::is_open(text) {
            open.insert(pointer.to_owned());
        }
    });
    for section in Section::ALL {
        match merged.get(section.name()) {
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    findings.extend(prepare(section, name, &mut value.clone(), schemas, &open));
                }
            }
            Some(_) => {
                let message = format!("the section \"{}\" must be a mapping of named entries", section.name());
                let pointer = format!("/{}", section.name());
                findings.push(Finding::new(ConfigErrorKind::WrongType, pointer, message).on_key());
            }
            None => {}
        }
    }
    findings.extend(defaults::check(merged, schemas, &open));
    findings.extend(unknown_references(merged, &open));
    findings
}

/// Brings an entry into the form that components take (texts that say numbers become numbers, a `spec` of nothing
/// becomes an empty one), and reports what does not fit.
pub(super) fn prepare(
    section: Section,
    name: &str,
    value: &mut Value,
    schemas: &Schemas,
    open: &BTreeSet<String>,
) -> Vec<Finding> {
    let pointer = section.entry(name);
    if let (Section::Transports | Section::Backups | Section::Notifiers, Value::Object(entry)) = (section, &mut *value)
    {
        let spec = entry.entry("spec").or_insert(Value::Null);
        if spec.is_null() {
            *spec = Value::Object(Map::new());
        }
        if section == Section::Notifiers {
            notifying::adopt_url(entry);
        }
    }
    let mut findings = Vec::new();
    for (below, schema) in schemas.of(section, value) {
        let Some(part) = value.pointer_mut(below) else { continue };
        shape::coerce(part, &Shapes::of(&schema.value));
        let pointer = format!("{pointer}{below}");
        findings.extend(sentences::check(&Part { pointer: &pointer, value: part, schema: &schema, open }));
    }
    match section {
        Section::Accesses => findings.extend(place_of_access(&pointer, value)),
        Section::Backups => findings.extend(meta::check(name, &pointer, value, open)),
        Section::Notifiers => findings.extend(notifying::check(&pointer, value, open)),
        _ => {}
    }
    findings
}

/// What an access is looked up by: its `type`, or the scheme of its `url`.
pub(super) fn sink_key(access: &Value) -> Option<String> {
    match access.get("type").and_then(Value::as_str) {
        Some(type_name) => Some(type_name.to_owned()),
        None => scheme(access.get("url")?.as_str()?),
    }
}

/// The scheme of a URL, in lower case.
pub(super) fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let fits = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (fits && scheme.starts_with(|first: char| first.is_ascii_alphabetic())).then(|| scheme.to_ascii_lowercase())
}

fn place_of_access(pointer: &str, value: &Value) -> Option<Finding> {
    let Some(access) = value.as_object() else {
        let message = "an access must be a mapping with the key \"url\"";
        return Some(Finding::new(ConfigErrorKind::WrongType, pointer, message).on_key());
    };
    if access.contains_key("url") || access.contains_key("type") {
        return None;
    }
    let near = suggest::near("url", access.keys().map(String::as_str));
    let finding =
        Finding::new(ConfigErrorKind::MissingKey, pointer, "the key \"url\" is missing in this access").on_key();
    Some(match near {
        Some(near) => finding.help(format!("did you mean \"url\" instead of \"{near}\"?")),
        None => {
            finding.help("url: where versions are kept, for example https://backups.example.org or file:///srv/backups")
        }
    })
}

fn unknown_sections(merged: &Value) -> Vec<Finding> {
    let sections = merged.as_object().into_iter().flat_map(Map::keys);
    let known: Vec<_> = Section::ALL.map(Section::name).into_iter().chain([defaults::SECTION]).collect();
    sections
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            Finding::new(ConfigErrorKind::UnknownKey, member("", name), format!("unknown section \"{name}\""))
                .on_key()
                .help(suggest::help(name, "sections", known.iter().copied()))
        })
        .collect()
}

fn unknown_references(merged: &Value, open: &BTreeSet<String>) -> Vec<Finding> {
    let backups = merged.get("backups").and_then(Value::as_object);
    let mut findings = Vec::new();
    for (backup, value) in backups.into_iter().flatten() {
        for (key, section) in REFERENCES {
            let Some(name) = value.get("meta").and_then(|meta| meta.get(key)?.as_str()) else { continue };
            if is_entry(merged, section, name) {
                continue;
            }
            let pointer = format!("{}/meta/{key}", Section::Backups.entry(backup));
            if !open.contains(&pointer) {
                findings.extend(unknown_reference(merged, &pointer, section, name));
            }
        }
        let notified = value.get("meta").and_then(|meta| meta.get("notify")?.as_array());
        let pointer = || format!("{}/meta/notify", Section::Backups.entry(backup));
        findings.extend(unknown_names(merged, notified, pointer, Section::Notifiers));
    }
    for (notifier, value) in merged.get("notifiers").and_then(Value::as_object).into_iter().flatten() {
        let about = value.get("backups").and_then(Value::as_array);
        let pointer = || format!("{}/backups", Section::Notifiers.entry(notifier));
        findings.extend(unknown_names(merged, about, pointer, Section::Backups));
        findings.extend(notifying::unknown_tags(merged, notifier, value));
    }
    findings
}

/// What of a list of names is no entry of this section.
fn unknown_names(
    merged: &Value,
    names: Option<&Vec<Value>>,
    pointer: impl Fn() -> String,
    section: Section,
) -> Vec<Finding> {
    let names = names.into_iter().flatten().enumerate().filter_map(|(index, name)| Some((index, name.as_str()?)));
    let unknown = names.filter(|(_, name)| !is_entry(merged, section, name));
    unknown
        .filter_map(|(index, name)| unknown_reference(merged, &format!("{}/{index}", pointer()), section, name))
        .collect()
}

fn is_entry(merged: &Value, section: Section, name: &str) -> bool {
    merged.get(section.name()).is_some_and(|entries| entries.get(name).is_some())
}

/// What is wrong with naming this entry of this section, if anything.
pub(super) fn unknown_reference(merged: &Value, pointer: &str, section: Section, name: &str) -> Option<Finding> {
    if is_entry(merged, section, name) {
        return None;
    }
    let entries = merged.get(section.name()).and_then(Value::as_object);
    let what = format!("entries of {}", section.name());
    let mut help = suggest::help(name, &what, entries.into_iter().flat_map(Map::keys).map(String::as_str));
    if section == Section::Transports && ["local", "sh"].contains(&name) {
        help = format!("{help}; for this machine add \"transports: {{{name}: {{type: bahub.transports.sh}}}}\"");
    }
    let message = format!("\"{name}\" is not an entry of {}", section.name());
    Some(Finding::new(ConfigErrorKind::UnknownReference, pointer, message).help(help))
}

fn bad_expression(pointer: &str, malformed: &expression::Malformed) -> Finding {
    let message = format!("a \"${{...}}\" in this value is invalid: {}", malformed.problem);
    Finding::new(ConfigErrorKind::BadExpression, pointer, message)
        .on_word(malformed.text.clone())
        .help("write ${NAME}, ${NAME:-default} or ${file:/path}; for a literal \"${\" write \"$${\"")
}

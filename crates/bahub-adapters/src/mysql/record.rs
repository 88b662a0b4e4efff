//! What a version records about its databases, so that a restore touches only those that its spec names.

use std::collections::BTreeMap;

use bahub_core::adapter::Findings;
use bahub_core::replay::{Stored, Unsupported};

use super::scope::Scope;
use super::version::Versioned;
use super::{preflight, version};
use crate::list;

/// The names of the record's entries.
const DATABASES: &str = "databases";
const FORM: &str = "form";
const USERS: &str = "users";
const SERVER: &str = "server";
const LAYOUT: &str = "layout";
const SEQUENCES: &str = "sequences";
const HISTORY: &str = "history";
const MARKER: &str = "marker";

/// A version whose tables and objects are segments of their own.
const APART: &str = "3";

/// A dump that creates no database, so it can be restored into any.
const ONE: &str = "one";
/// A dump that creates each of its databases.
const SEVERAL: &str = "several";

fn form(scope: &Scope) -> &'static str {
    match scope {
        Scope::One(_) => ONE,
        Scope::Some(_) | Scope::All { .. } => SEVERAL,
    }
}

/// The record of these databases, of whether users follow them, and of the server.
pub(super) fn of(
    scope: &Scope,
    names: &[String],
    users: bool,
    found: &Findings,
) -> Result<BTreeMap<String, String>, Unsupported> {
    let mut record: BTreeMap<_, _> = [
        (FORM.to_owned(), form(scope).to_owned()),
        (DATABASES.to_owned(), list::write(names)),
        (LAYOUT.to_owned(), APART.to_owned()),
    ]
    .into();
    if users {
        record.insert(USERS.to_owned(), "yes".to_owned());
    }
    if found.get(preflight::SEQUENCES).is_some_and(|count| count != "0") {
        record.insert(SEQUENCES.to_owned(), "yes".to_owned());
    }
    if version::dumps_history(found) && !version::versioned(found)?.is_empty() {
        record.insert(HISTORY.to_owned(), list::write(&preflight::listed(found, preflight::VERSIONED)?));
    }
    record.extend(found.get(preflight::MARKER).map(|word| (MARKER.to_owned(), word.to_owned())));
    record.extend(version::described(found).map(|server| (SERVER.to_owned(), server)));
    Ok(record)
}

/// The databases of a stored version, if it records them.
pub(super) fn databases(stored: &Stored) -> Vec<String> {
    stored.record.get(DATABASES).and_then(|line| list::parse(line)).unwrap_or_default()
}

/// The server that a stored version came from, if it records it.
pub(super) fn server(stored: &Stored) -> Option<&str> {
    stored.record.get(SERVER).map(String::as_str)
}

/// Whether tables and objects are segments of their own; refuses a layout of another release, whose segments would be passed over.
pub(super) fn is_apart(stored: &Stored) -> Result<bool, Unsupported> {
    match stored.record.get(LAYOUT).map(String::as_str) {
        None => Ok(false),
        Some(APART) => Ok(true),
        Some(other) => Err(Unsupported {
            what: format!(
                "the version was made by another release of bahub, whose layout {other} this one does not know"
            ),
            help: "restore it with that release; or {download the data}, which is SQL".into(),
        }),
    }
}

/// The word in the marks of the version.
pub(super) fn marker(stored: &Stored) -> &str {
    stored.record.get(MARKER).map_or("", String::as_str)
}

/// Whether default values may come out of sequences.
pub(super) fn has_sequences(stored: &Stored) -> bool {
    stored.record.contains_key(SEQUENCES)
}

/// The system-versioned tables whose history is in it.
pub(super) fn history(stored: &Stored) -> Vec<Versioned> {
    let texts = stored.record.get(HISTORY).and_then(|line| list::parse(line)).unwrap_or_default();
    Versioned::each(&texts)
}

/// Whether a stored version has users.
pub(super) fn has_users(stored: &Stored) -> bool {
    stored.record.get(FORM).is_some_and(|form| form == SEVERAL) && stored.record.contains_key(USERS)
}

/// Refuses a version that would drop or create what the spec does not name. One without a record is trusted.
pub(super) fn fits(scope: &Scope, found: &Findings, stored: &Stored) -> Result<(), Unsupported> {
    let Some(names) = stored.record.get(DATABASES).and_then(|line| list::parse(line)) else { return Ok(()) };
    let refused = |what: String| {
        Err(Unsupported {
            what,
            help: format!("restore it with a spec that lists its databases ({})", names.join(", ")).into(),
        })
    };
    let is_same = |name: &str, other: &str| is_same(found, name, other);
    match (stored.record.get(FORM).map(String::as_str), scope) {
        (Some(SEVERAL), Scope::One(name)) => refused(format!(
            "the version contains several databases, which would be dropped and recreated, but the spec only lists {name:?}"
        )),
        (Some(ONE), Scope::Some(_) | Scope::All { .. }) => {
            refused("the version contains one database, but the spec lists several".into())
        }
        (_, Scope::Some(wanted)) => {
            match names.iter().find(|name| !wanted.iter().any(|wanted| is_same(name, wanted))) {
                Some(name) => {
                    refused(format!("the version would drop and recreate {name:?}, which the spec does not list"))
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Refuses a version of one database that would replace another than the spec names.
pub(super) fn is_of(scope: &Scope, found: &Findings, stored: &Stored) -> Result<(), Unsupported> {
    match (scope, databases(stored).as_slice()) {
        (Scope::One(name), [of]) if !is_same(found, name, of) => Err(Unsupported {
            what: format!("the version is a backup of {of:?}, which it would replace, but the spec names {name:?}"),
            help: format!("{{restore under another name}}, or restore it with a spec whose `database` is {of}").into(),
        }),
        _ => Ok(()),
    }
}

/// Whether two names are one database's on this server.
fn is_same(found: &Findings, name: &str, other: &str) -> bool {
    name == other || (preflight::ignores_case(found) && name.to_lowercase() == other.to_lowercase())
}

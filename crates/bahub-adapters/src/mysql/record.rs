//! What a version records about its databases, so that a restore touches only those that its spec names.

use std::collections::BTreeMap;

use bahub_core::replay::{Stored, Unsupported};

use super::scope::Scope;
use crate::list;

/// The names of the record's entries.
const DATABASES: &str = "databases";
const FORM: &str = "form";
const USERS: &str = "users";

/// A dump that creates no database, so it can be restored into any.
const ONE: &str = "one";
/// A dump that drops and creates each of its databases.
const SEVERAL: &str = "several";

fn form(scope: &Scope) -> &'static str {
    match scope {
        Scope::One(_) => ONE,
        Scope::Some(_) | Scope::All { .. } => SEVERAL,
    }
}

/// The record of these databases, and of whether users follow them.
pub(super) fn of(scope: &Scope, names: &[String], users: bool) -> BTreeMap<String, String> {
    let mut record: BTreeMap<_, _> =
        [(FORM.to_owned(), form(scope).to_owned()), (DATABASES.to_owned(), list::write(names))].into();
    if users {
        record.insert(USERS.to_owned(), "yes".to_owned());
    }
    record
}

/// Whether a stored version has these segments according to its record: databases, users.
pub(super) fn segments(stored: &Stored) -> [bool; 2] {
    let is_several = stored.record.get(FORM).is_some_and(|form| form == SEVERAL);
    let names = stored.record.get(DATABASES).and_then(|line| list::parse(line)).unwrap_or_default();
    [is_several && !names.is_empty(), is_several && stored.record.contains_key(USERS)]
}

/// Refuses a version that would drop or create what the spec does not name. One without a record is trusted.
pub(super) fn fits(scope: &Scope, stored: &Stored) -> Result<(), Unsupported> {
    let Some(names) = stored.record.get(DATABASES).and_then(|line| list::parse(line)) else { return Ok(()) };
    let refused = |what: String| {
        Err(Unsupported {
            what,
            help: format!("restore it with a spec that lists its databases ({})", names.join(", ")).into(),
        })
    };
    match (stored.record.get(FORM).map(String::as_str), scope) {
        (Some(SEVERAL), Scope::One(name)) => refused(format!(
            "the version contains several databases, which would be dropped and recreated, but the spec only lists {name:?}"
        )),
        (Some(ONE), Scope::Some(_) | Scope::All { .. }) => {
            refused("the version contains one database, but the spec lists several".into())
        }
        (_, Scope::Some(wanted)) => match names.iter().find(|name| !wanted.contains(name)) {
            Some(name) => {
                refused(format!("the version would drop and recreate {name:?}, which the spec does not list"))
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

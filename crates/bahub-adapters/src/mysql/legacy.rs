//! Versions that are one dump: the original product's, and those without a record of their parts.

use bahub_core::adapter::Findings;
use bahub_core::replay::{Replay, Stored};

use super::scope::Scope;
use super::{Mysql, preflight, record, restore, swap, users};

/// The segment with all databases of a version that records its parts.
const DATABASES: &str = "databases";

/// Where it came from. Its tables cannot be separated from what runs, so databases are dropped first.
pub(super) fn replay(mysql: &Mysql, found: &Findings, stored: &Stored) -> Replay {
    match &mysql.scope {
        Scope::One(name) => Replay {
            before: vec![preflight::query(mysql, &restore::recreated(std::slice::from_ref(name)))],
            main: vec![swap::understood(), restore::fed(mysql, Some(name))],
            failure_note: Some(restore::INCOMPLETE.into()),
            ..Replay::default()
        },
        Scope::Some(_) | Scope::All { .. } => {
            let has_databases = stored.record.contains_key("form") && !record::databases(stored).is_empty();
            let all = || vec![swap::understood(), restore::fed(mysql, None)];
            let databases = has_databases.then(|| restore::segment(DATABASES, all()));
            Replay {
                main: all(),
                segments: databases.into_iter().chain(users::restored_here(mysql, found, stored)).collect(),
                failure_note: Some(restore::INCOMPLETE.into()),
                ..Replay::default()
            }
        }
    }
}

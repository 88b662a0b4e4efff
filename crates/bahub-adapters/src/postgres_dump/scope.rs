//! What of the server is backed up.

use bahub_core::registry::SpecError;

use super::config::PostgresDumpConfig;

/// Which databases.
#[derive(Debug)]
pub(super) enum Scope {
    /// One, which can be restored under another name.
    One(String),
    /// These.
    Some(Vec<String>),
    /// All but templates and these.
    All {
        /// Left out.
        exclude: Vec<String>,
    },
}

impl Scope {
    pub(super) fn parse(config: &PostgresDumpConfig, wrong: &mut Vec<SpecError>) -> Option<Self> {
        let before = wrong.len();
        let named = [&config.database].into_iter().filter(|name| !name.is_empty()).chain(&config.databases);
        for name in named.chain(&config.exclude_databases) {
            if let Some(objection) = objection(name) {
                wrong.push(SpecError::new("/databases", format!("{name:?} is no name of a database: {objection}")));
            }
        }
        let all = config.database.is_empty() && config.databases.is_empty();
        if !config.database.is_empty() && !config.databases.is_empty() {
            let what = "both `database` and `databases` are given";
            wrong.push(SpecError::new("/databases", what).with_help("keep the one that is meant"));
        }
        if !all && !config.exclude_databases.is_empty() {
            let help = "remove it, or the databases, so that all are backed up but those";
            let what = "`exclude_databases` leaves out of all, and only some are named";
            wrong.push(SpecError::new("/exclude_databases", what).with_help(help));
        }
        if wrong.len() > before {
            return None;
        }
        Some(match config.databases.as_slice() {
            [] if all => Self::All { exclude: config.exclude_databases.clone() },
            [] => Self::One(config.database.clone()),
            databases => Self::Some(databases.to_vec()),
        })
    }
}

/// Why this cannot be a name (PostgreSQL's manual, "Identifiers and Key Words"): a longer one would be cut without a word.
pub(super) fn objection(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.len() > 63 => Some("it has more than 63 bytes"),
        _ if name.contains('\0') => Some("it holds a NUL"),
        _ => None,
    }
}

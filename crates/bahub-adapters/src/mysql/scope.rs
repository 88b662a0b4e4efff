//! What of the server is backed up.

use bahub_core::registry::SpecError;

use super::config::MysqlConfig;

/// Databases that are the server's own: their content is made by it, or comes back as users and grants.
pub(super) const SYSTEM: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

/// Which databases.
#[derive(Debug)]
pub(super) enum Scope {
    /// One, which can be restored under another name.
    One(String),
    /// These.
    Some(Vec<String>),
    /// All but the server's own and these.
    All {
        /// Left out.
        exclude: Vec<String>,
    },
}

impl Scope {
    pub(super) fn parse(config: &MysqlConfig, wrong: &mut Vec<SpecError>) -> Option<Self> {
        let before = wrong.len();
        let named = [&config.database].into_iter().filter(|name| !name.is_empty()).chain(&config.databases);
        for name in named.chain(&config.exclude_databases) {
            if let Some(objection) = objection(name) {
                wrong.push(SpecError::new("/databases", format!("{name:?} is no name of a database: {objection}")));
            }
        }
        let named: Vec<_> = config.databases.iter().chain([&config.database]).collect();
        if let Some(name) = named.iter().find(|name| SYSTEM.contains(&name.to_lowercase().as_str())) {
            let help = "leave it out: users and grants are in the backup where `users` is true";
            wrong.push(SpecError::new("/databases", format!("`{name}` is the server's own")).with_help(help));
        }
        if !config.database.is_empty() && !config.databases.is_empty() {
            let help = "keep the one that is meant";
            wrong.push(SpecError::new("/databases", "both `database` and `databases` are given").with_help(help));
        }
        let all = config.database.is_empty() && config.databases.is_empty();
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

/// Why this cannot be a name (MariaDB's manual, "Identifier Names").
pub(super) fn objection(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.chars().count() > 64 => Some("it has more than 64 characters"),
        _ if name.contains('\0') => Some("it holds a NUL"),
        _ if name.chars().any(|character| u32::from(character) > 0xFFFF) => {
            Some("it holds a character beyond the Basic Multilingual Plane, which no identifier may")
        }
        _ => None,
    }
}

/// A table to leave out.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) database: String,
    pub(super) name: String,
}

impl Table {
    pub(super) fn parse_each(texts: &[String], scope: Option<&Scope>, wrong: &mut Vec<SpecError>) -> Vec<Self> {
        let mut tables = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let table = match (text.split_once('.'), scope) {
                (Some((database, name)), _) => Some((database, name)),
                (None, Some(Scope::One(database))) => Some((database.as_str(), text.as_str())),
                (None, _) => None,
            };
            match table {
                Some((database, name)) if objection(database).is_none() && objection(name).is_none() => {
                    tables.push(Self { database: database.into(), name: name.into() });
                }
                _ => wrong.push(
                    SpecError::new(format!("/exclude_tables/{index}"), format!("{text:?} names no table"))
                        .with_help("write `database.table`, or `table` where `database` names the one database"),
                ),
            }
        }
        tables
    }
}

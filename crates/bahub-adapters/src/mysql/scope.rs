//! Which parts of the server are backed up.

use bahub_core::registry::SpecError;

use super::config::MysqlConfig;
pub(super) use crate::scope::Scope;

/// The server's own databases: their content is generated, or is restored as users and grants.
pub(super) const SYSTEM: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

pub(super) fn parse(config: &MysqlConfig, wrong: &mut Vec<SpecError>) -> Option<Scope> {
    let MysqlConfig { database, databases, exclude_databases, .. } = config;
    let is_own = |name: &&String| SYSTEM.contains(&name.to_lowercase().as_str());
    let own = databases.iter().chain([database]).find(is_own);
    if let Some(name) = own {
        let help = "remove it: users and grants are backed up with `users: true`";
        wrong.push(SpecError::new("/databases", format!("`{name}` is a system database")).with_help(help));
    }
    Scope::parse(database, databases, exclude_databases, objection, wrong).filter(|_| own.is_none())
}

/// Why this cannot be a name (MariaDB's manual, "Identifier Names").
pub(super) fn objection(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.chars().count() > 64 => Some("it has more than 64 characters"),
        _ if name.contains('\0') => Some("it contains a NUL byte"),
        _ if name.chars().any(|character| u32::from(character) > 0xFFFF) => {
            Some("it contains a character outside the Basic Multilingual Plane, which identifiers do not allow")
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
    /// Whether it is this one, as the dump program compares: whatever the case.
    pub(super) fn is(&self, database: &str, name: &str) -> bool {
        self.database.to_lowercase() == database.to_lowercase() && self.name.to_lowercase() == name.to_lowercase()
    }

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
                    SpecError::new(format!("/exclude_tables/{index}"), format!("{text:?} is not a table name"))
                        .with_help("write `database.table`, or `table` if `database` is set"),
                ),
            }
        }
        tables
    }
}

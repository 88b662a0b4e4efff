//! Which parts of the server are backed up.

use bahub_core::registry::SpecError;

use super::config::PostgresDumpConfig;
pub(super) use crate::scope::Scope;

pub(super) fn parse(config: &PostgresDumpConfig, wrong: &mut Vec<SpecError>) -> Option<Scope> {
    Scope::parse(&config.database, &config.databases, &config.exclude_databases, objection, wrong)
}

/// Why this cannot be a name (PostgreSQL's manual, "Identifiers and Key Words"): a longer one would silently be truncated.
pub(super) fn objection(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.len() > 63 => Some("it has more than 63 bytes"),
        _ if name.contains('\0') => Some("it contains a NUL byte"),
        _ => None,
    }
}

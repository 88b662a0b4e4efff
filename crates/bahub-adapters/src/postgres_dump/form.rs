//! What a version consists of, and how its databases are recreated: recorded at capture, read at restore.

use std::collections::BTreeMap;
use std::ffi::OsString;

use bahub_core::adapter::Findings;
use bahub_core::replay::{Stored, Unsupported};

use super::capture::data_of;
use super::config::Format;
use super::scope::Scope;
use super::{PostgresDump, needs, preflight, sql};
use crate::list;

/// The names of the record's entries.
const FORM: &str = "form";
const DATABASES: &str = "databases";
/// Tablespaces to make before the data, where roles have a segment of their own.
const TABLESPACES: &str = "tablespaces";
/// In place of them, where there are no roles in a version of several databases.
const NO_ROLES: &str = "none";

/// What a version consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// pg_dump's archive of one database.
    Custom,
    /// SQL of one database.
    Plain,
    /// Segments of several databases, and of roles.
    Several,
}

/// A database and the statements that create it, in which it is called `:"db"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Database {
    pub(super) name: String,
    pub(super) create: String,
    pub(super) properties: Vec<String>,
}

impl Database {
    /// Reads the output of [`super::catalog::databases`]; none if it is truncated.
    pub(super) fn parse_each(line: &str) -> Option<Vec<Self>> {
        let entries = line.split('|').filter(|entry| !entry.is_empty());
        let parse = |entry| {
            let mut texts = list::parse(entry)?.into_iter();
            // psql reads a line only up to one.
            if texts.clone().any(|text| text.contains('\0')) {
                return None;
            }
            Some(Self { name: texts.next()?, create: texts.next()?, properties: texts.collect() })
        };
        entries.map(parse).collect()
    }

    fn write_each(databases: &[Self]) -> String {
        let entry = |database: &Self| {
            let Self { name, create, properties } = database;
            list::write(&[&[name.clone(), create.clone()], properties.as_slice()].concat())
        };
        databases.iter().map(entry).collect::<Vec<_>>().join("|")
    }

    /// A database with unknown properties.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            create: "CREATE DATABASE :\"db\" TEMPLATE template0".into(),
            properties: Vec::new(),
        }
    }

    /// A psql script that creates it under this name.
    pub(super) fn created_as(&self, name: &str) -> String {
        executed(&self.create.replacen(NAME, &sql::ident(name), 1))
    }

    /// A psql script that gives the database of this name its properties. A setting that the user may not change, or of a role
    /// that does not exist, is reported in a warning.
    pub(super) fn given_to(&self, name: &str) -> String {
        let statements = self.properties.iter().map(|statement| {
            let named = statement.replacen(NAME, &sql::ident(name), 1);
            if is_setting(statement) { reported_where_refused(&named) } else { executed(&named) }
        });
        statements.collect()
    }
}

/// A psql script that has the server execute a statement out of a version, as a value: psql itself sees no command in it.
pub(super) fn executed(statement: &str) -> String {
    format!("SELECT {} \\gexec\n", sql::text(statement))
}

/// What a database is called in its statements.
const NAME: &str = ":\"db\"";

fn is_setting(statement: &str) -> bool {
    statement.starts_with("ALTER ROLE ") || statement.starts_with("ALTER DATABASE :\"db\" SET ")
}

/// A statement whose failure stops nothing. It is reported in one line, without the location in the server's source.
fn reported_where_refused(statement: &str) -> String {
    let block = sql::block(&format!(
        "BEGIN {statement}; EXCEPTION WHEN insufficient_privilege OR undefined_object THEN \
         RAISE WARNING 'this setting was not restored: %; (%)', {}, SQLERRM; END",
        sql::text(statement)
    ));
    format!("\\set verbosity :VERBOSITY\n\\set VERBOSITY terse\n{block}\\set VERBOSITY :verbosity\n")
}

/// The form of a version made with this spec.
pub(super) fn of(postgres: &PostgresDump) -> Form {
    match (&postgres.scope, postgres.format) {
        (Scope::One(_), Format::Custom) => Form::Custom,
        (Scope::One(_), Format::Plain) => Form::Plain,
        (Scope::Some(_) | Scope::All { .. }, _) => Form::Several,
    }
}

/// The record of a version.
pub(super) fn record(
    postgres: &PostgresDump,
    form: Form,
    found: &Findings,
    databases: &[Database],
) -> BTreeMap<String, String> {
    let name = match form {
        Form::Custom => "custom",
        Form::Plain => "plain",
        Form::Several => "several",
    };
    let entry = |name: &str, value: String| (name.to_owned(), value);
    let spaces = if postgres.globals { found.get(preflight::TABLESPACES).unwrap_or("0") } else { NO_ROLES };
    let spaces = (form == Form::Several).then(|| spaces.to_owned());
    [entry(FORM, name.to_owned()), entry(DATABASES, Database::write_each(databases))]
        .into_iter()
        .chain(spaces.map(|spaces| entry(TABLESPACES, spaces)))
        .chain(needs::record(found))
        .collect()
}

/// The databases of a stored version of several.
pub(super) fn parts(postgres: &PostgresDump, stored: &Stored) -> Vec<OsString> {
    match self::stored(postgres, stored) {
        Ok((Form::Several, databases)) => databases.into_iter().map(|database| database.name.into()).collect(),
        _ => Vec::new(),
    }
}

/// Tablespaces: each one's name, and the statement that creates it.
pub(super) fn tablespaces(line: &str) -> Vec<(String, String)> {
    let texts = list::parse(line).unwrap_or_default();
    let pairs = texts.chunks_exact(2).filter(|pair| !pair.concat().contains('\0'));
    pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// Where roles are in a stored version.
#[derive(Debug)]
pub(super) enum StoredRoles {
    /// Nowhere.
    Absent,
    /// What is needed before the data in a segment of its own, the rest in one at the end; these tablespaces in the record.
    Apart(Vec<(String, String)>),
    /// All of it before the data, as earlier releases of bahub did.
    First,
}

/// Where roles are in this one.
pub(super) fn stored_roles(stored: &Stored) -> StoredRoles {
    match stored.record.get(TABLESPACES).map(String::as_str) {
        Some(NO_ROLES) => StoredRoles::Absent,
        Some(line) => StoredRoles::Apart(tablespaces(line)),
        None => StoredRoles::First,
    }
}

/// The form of a stored version, and its databases if it records them.
pub(super) fn stored(postgres: &PostgresDump, stored: &Stored) -> Result<(Form, Vec<Database>), Unsupported> {
    let recorded = stored.record.get(DATABASES).and_then(|line| Database::parse_each(line)).unwrap_or_default();
    let is_there = |database: &Database| !stored.missing.contains(&data_of(&database.name));
    let databases: Vec<_> = recorded.into_iter().filter(is_there).collect();
    let begins = |words: &str| stored.prefix.starts_with(words.as_bytes());
    let form = match stored.record.get(FORM).map(String::as_str) {
        Some("custom") => Form::Custom,
        Some("plain") => Form::Plain,
        Some("several") => Form::Several,
        // It was not inspected yet.
        _ if stored.prefix.is_empty() => of(postgres),
        _ if begins("PGDMP") => Form::Custom,
        _ if begins("--\n-- PostgreSQL database cluster dump") || begins(super::capture::HEADER) => {
            return Err(Unsupported {
                what:
                    "the version is a script of a whole server, which would stop at the first role that already exists"
                        .into(),
                help: "{download the data}, and run it with psql on an empty server".into(),
            });
        }
        _ => Form::Plain,
    };
    match (form, &postgres.scope) {
        (Form::Several, Scope::One(name)) => Err(Unsupported {
            what: format!("the version contains several databases, but the spec only lists {name:?}"),
            help: format!("restore it with a spec of several databases, and {{choose what is restored}}: {name}")
                .into(),
        }),
        (Form::Custom | Form::Plain, Scope::Some(_) | Scope::All { .. }) => Err(Unsupported {
            what: "the version contains one database, but the spec lists several".into(),
            help: "restore it with a spec with that one as `database`".into(),
        }),
        _ => Ok((form, databases)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_back_what_was_recorded() {
        let databases = [
            Database { name: "a|b \n\"'".into(), create: "CREATE DATABASE :\"db\"".into(), properties: Vec::new() },
            Database { name: "🙂".into(), create: "x".into(), properties: vec!["COMMENT '|'".into(), "y".into()] },
        ];
        assert_eq!(Database::parse_each(&Database::write_each(&databases)), Some(databases.to_vec()));
        assert_eq!(Database::parse_each("2 61 6200"), None, "psql would read half of a line");
        assert_eq!(Database::parse_each(""), Some(Vec::new()));
        assert_eq!(Database::parse_each("2 61"), None);
    }
}

//! The dumps.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Capture, Segment, Source};
use bahub_core::replay::Unsupported;
use bahub_core::step::{ByteString, Step};

use super::form::{self, Database, Form};
use super::{PostgresDump, account, catalog, lease, preflight, sql};
use crate::options;

/// A complete plain dump ends with this; recent ones have a psql command after it.
pub(super) const TRAILER: &str = "\n-- PostgreSQL database dump complete\n";

/// The first line of a version of several databases.
pub(super) const HEADER: &str = "-- Databases of a PostgreSQL server, by bahub";

/// The name of the segment with roles and tablespaces.
pub(super) const GLOBALS: &str = "globals";

/// The name of the segment with what is in a database.
pub(super) fn data_of(database: &str) -> String {
    format!("data of {database}")
}

pub(super) fn capture(postgres: &PostgresDump, found: &Findings) -> Result<Capture, Unsupported> {
    let databases = found.get(preflight::DATABASES).and_then(Database::parse_each).ok_or_else(|| Unsupported {
        what: "the server's list of databases cannot be read".into(),
        help: "their names or comments may not match their encoding; `psql -l` shows them".into(),
    })?;
    if databases.is_empty() {
        return Err(Unsupported {
            what: "the server has no database to back up".into(),
            help: "check `exclude_databases`".into(),
        });
    }
    let form = form::of(postgres);
    let segments = match (form, databases.as_slice()) {
        (Form::Custom, [one, ..]) => {
            vec![Segment::of(vec![dump(postgres, &one.name).args(["--format=custom", "--compress=0"])])]
        }
        (Form::Plain, [one, ..]) => vec![plain(postgres, None, &one.name)],
        _ => several(postgres, &databases),
    };
    let closed = found.get(preflight::CLOSED).filter(|names| !names.is_empty());
    let warnings =
        closed.map(|names| format!("databases that do not allow connections are not in the backup: {names}"));
    let warnings = warnings.into_iter().chain(options::warning(found)).collect();
    Ok(Capture { segments, warnings, record: form::record(form, &databases) })
}

fn several(postgres: &PostgresDump, databases: &[Database]) -> Vec<Segment> {
    let mut segments = vec![literal("head", &format!("{HEADER}\n"))];
    if postgres.globals {
        let globals = postgres.account.script(lease::maintenance([]), &catalog::globals());
        segments.push(Segment::of(vec![globals]).named(GLOBALS));
    }
    for database in databases {
        let Database { name, .. } = database;
        // For psql alone: our restore creates the database itself. \connect removes a pair of quotes.
        let connection = sql::ident(&format!("dbname={}", account::quoted(name)));
        let connection = sql::set("connection", &connection);
        let made = database.created_as(name) + &database.given_to(name);
        let connect = "\\connect -reuse-previous=on :connection\n";
        segments.push(literal(&format!("making of {name}"), &format!("\n{made}{connection}{connect}")));
        segments.push(plain(postgres, Some(data_of(name)), name));
    }
    segments
}

fn literal(name: &str, text: &str) -> Segment {
    Segment::new(Source::Literal(ByteString::from(text))).named(name)
}

fn plain(postgres: &PostgresDump, name: Option<String>, database: &str) -> Segment {
    let whole = Segment::of(vec![dump(postgres, database).arg("--format=plain")]).with_trailer(TRAILER);
    match name {
        Some(name) => whole.named(name),
        None => whole,
    }
}

fn dump(postgres: &PostgresDump, database: &str) -> Step {
    let mut step = postgres.account.program("pg_dump", database).args(&postgres.extra_args);
    if postgres.schema_only {
        step = step.arg("--schema-only");
    }
    for pattern in &postgres.exclude_tables {
        step = step.arg(format!("--exclude-table={pattern}"));
    }
    step
}

//! The dumps.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Capture, Segment, Source};
use bahub_core::replay::Unsupported;
use bahub_core::step::{ByteString, Step};

use super::form::{self, Database, Form};
use super::release::Release;
use super::scope::Scope;
use super::{PostgresDump, account, lease, needs, preflight, roles, script, sql};
use crate::options;

/// A complete plain dump ends with this; recent ones have a psql command after it.
pub(super) const TRAILER: &str = "\n-- PostgreSQL database dump complete\n";

/// The first line of a version of several databases.
pub(super) const HEADER: &str = "-- Databases of a PostgreSQL server, by bahub";

/// The name of the segment with roles, as far as they have to be there before the data.
pub(super) const ROLES: &str = "roles";

/// The name of the segment with the rest of roles, and properties of tablespaces; in versions without [`ROLES`] with all of them,
/// and before the data.
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
    fitting_client(found)?;
    let form = form::of(postgres);
    let segments = match (form, databases.as_slice()) {
        (Form::Custom, [one, ..]) => {
            vec![Segment::of(vec![dump(postgres, &one.name).args(["--format=custom", "--compress=0"])])]
        }
        (Form::Plain, [one, ..]) => vec![plain(postgres, &one.name)],
        _ => several(postgres, found, &databases),
    };
    let closed = found.get(preflight::CLOSED).filter(|names| !names.is_empty());
    let warnings =
        closed.map(|names| format!("databases that do not allow connections are not in the backup: {names}"));
    let is_script = form != Form::Custom || !restores_directly(found);
    let unrestricted = script::objection(found).filter(|_| is_script).map(|objection| {
        format!("a restore by the programs of this host would be refused: {objection}; {}", script::NEWER)
    });
    let warnings =
        warnings.into_iter().chain(options::warning(found)).chain(unrestricted).chain(needs::warnings(found)).collect();
    Ok(Capture { segments, warnings, record: form::record(postgres, form, found, &databases) })
}

/// Whether the pg_restore of this host may speak to the server itself, as far as a backup knows: it is of pg_dump's release.
fn restores_directly(found: &Findings) -> bool {
    let major = |name| found.get(name).and_then(Release::parse).map(|release| release.major);
    needs::recorded_path(found).is_none() && major(preflight::PG_DUMP) <= major(preflight::SERVER)
}

/// Refuses a pg_dump that would refuse the server, or write what that server does not take back.
fn fitting_client(found: &Findings) -> Result<(), Unsupported> {
    let release = |name| found.get(name).and_then(Release::parse);
    match (release(preflight::PG_DUMP), release(preflight::SERVER)) {
        (Some(program), Some(server)) if program.major < server.major => Err(Unsupported {
            what: format!("pg_dump {program} there is older than the server, PostgreSQL {server}, and cannot dump it"),
            help: format!(
                "install the client programs of {} or later there: postgresql-client-{}",
                server.major, server.major
            )
            .into(),
        }),
        // Its option `run_as_owner` is of PostgreSQL 16, and pg_dump writes it for older servers too.
        (Some(program), Some(server)) if program.major >= 16 && server.major < 16 => {
            match found.get(preflight::SUBSCRIPTIONS).filter(|names| !names.is_empty()) {
                Some(names) => Err(Unsupported {
                    what: format!(
                        "pg_dump {program} there writes subscriptions in a way that the server, PostgreSQL {server}, does not take back: {names}"
                    ),
                    help: format!(
                        "install the client programs of the server's own release there: postgresql-client-{}",
                        server.major
                    )
                    .into(),
                }),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn several(postgres: &PostgresDump, found: &Findings, databases: &[Database]) -> Vec<Segment> {
    let mut segments = vec![literal("head", &format!("{HEADER}\n"))];
    if postgres.globals {
        let made = postgres.account.script(lease::maintenance([]), &roles::made());
        segments.push(Segment::of(vec![made]).named(ROLES));
        // For psql alone, as what follows: our restore makes them itself.
        let spaces = form::tablespaces(found.get(preflight::TABLESPACES).unwrap_or_default());
        let spaces = spaces.iter().map(|(_, create)| format!("{create};\n")).collect::<String>();
        segments.push(literal("making of tablespaces", &spaces));
    }
    for database in databases {
        let Database { name, .. } = database;
        // For psql alone: our restore creates the database itself. \connect removes a pair of quotes.
        let connection = sql::ident(&format!("dbname={}", account::quoted(name)));
        let connection = sql::set("connection", &connection);
        let made = database.created_as(name) + &database.given_to(name);
        let connect = "\\connect -reuse-previous=on :connection\n";
        segments.push(literal(&format!("making of {name}"), &format!("\n{made}{connection}{connect}")));
        // One part of the backup: only the first has a name.
        let path = postgres.account.script(name, &needs::path_statement()).stderr_warns();
        segments.push(Segment::of(vec![path]).named(data_of(name)).on_failure(postgres.on_failure));
        segments.push(plain(postgres, name).on_failure(postgres.on_failure));
    }
    segments.extend(absent(postgres, databases));
    if postgres.globals {
        let finished = postgres.account.script(lease::maintenance([]), &roles::finished());
        segments.push(Segment::of(vec![finished]).named(GLOBALS));
    }
    segments
}

/// Databases of the spec that are not there: a part that is missing, like one that cannot be read. Without `on_failure: partial` there
/// would be no backup.
fn absent(postgres: &PostgresDump, databases: &[Database]) -> Vec<Segment> {
    let Scope::Some(names) = &postgres.scope else { return Vec::new() };
    let is_there = |name: &&String| databases.iter().any(|database| database.name == **name);
    let absent = names.iter().filter(|name| !is_there(name));
    absent.map(|name| plain(postgres, name).named(data_of(name)).on_failure(postgres.on_failure)).collect()
}

fn literal(name: &str, text: &str) -> Segment {
    Segment::new(Source::Literal(ByteString::from(text))).named(name)
}

fn plain(postgres: &PostgresDump, database: &str) -> Segment {
    Segment::of(vec![dump(postgres, database).arg("--format=plain")]).with_trailer(TRAILER)
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

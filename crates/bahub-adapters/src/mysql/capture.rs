//! The dump, as mysqldump's manual recommends for a consistent one: tables and their rows as of one moment, then what runs.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Capture, Segment, Source};
use bahub_core::replay::Unsupported;
use bahub_core::step::{ByteString, Step};

use super::objects::{Marks, Views};
use super::scope::Scope;
use super::{Mysql, objects, preflight, record, rights, sql, users, version};
use crate::options;

/// Tables with all rows, as they are read, bytes in hexadecimal. `LOCK TABLES` in a dump would keep a default value from its
/// sequence.
const ROWS: [&str; 6] =
    ["--quick", "--skip-triggers", "--hex-blob", "--comments", "--no-tablespaces", "--skip-add-locks"];

/// One snapshot for all of it, without locks: InnoDB's repeatable read.
const SNAPSHOT: [&str; 2] = ["--single-transaction", "--skip-lock-tables"];
/// One moment for all of it, by a read lock on every table.
const LOCK: &str = "--lock-all-tables";

/// What MySQL's own program would add: statements for replication, and statistics that older servers do not have.
const MYSQL: [&str; 2] = ["--set-gtid-purged=OFF", "--column-statistics=0"];

/// The name of the segment with tables and rows.
pub(super) const DATA: &str = "data";
/// The name of the segment with what runs: [`objects`].
pub(super) const OBJECTS: &str = "objects";

pub(super) fn capture(mysql: &Mysql, found: &Findings) -> Result<Capture, Unsupported> {
    version::refuse_other_family(found, mysql.allow_other_client)?;
    rights::refuse_backup(mysql, found)?;
    refuse_alike(found)?;
    refuse_incomplete(found)?;
    let views = Views::of(mysql, found)?;
    let names = preflight::databases(mysql, found)?;
    let mut segments = Vec::new();
    if !names.is_empty() {
        let rows = rows(mysql, found, &views)?;
        let rows = match &mysql.scope {
            Scope::One(_) => rows.arg("--").args(&names),
            Scope::Some(_) | Scope::All { .. } => rows.args(["--databases", "--"]).args(&names),
        };
        segments.push(Segment::of(vec![rows]).with_trailer(sql::TRAILER).named(DATA));
        segments.extend(objects(mysql, found, &names, &views));
    }
    if mysql.users {
        segments.extend(users::segments(mysql, found)?);
    }
    if segments.is_empty() {
        return Err(Unsupported {
            what: "the server has no database to back up".into(),
            help: "check `exclude_databases`, and which databases the user can see: SHOW DATABASES".into(),
        });
    }
    Ok(Capture {
        segments,
        warnings: warnings(found, &views)?,
        record: record::of(&mysql.scope, &names, mysql.users, found)?,
    })
}

/// Refuses names that the dump program would leave out one with the other.
fn refuse_alike(found: &Findings) -> Result<(), Unsupported> {
    let alike = preflight::listed(found, preflight::ALIKE)?;
    if alike.is_empty() {
        return Ok(());
    }
    Err(Unsupported {
        what: format!(
            "the dump program does not distinguish these names: it would leave out a table with a view, or with an excluded table: {}",
            alike.join("; ")
        ),
        help: "rename one of them".into(),
    })
}

/// Refuses a database that a restore is filling, or was broken off in.
fn refuse_incomplete(found: &Findings) -> Result<(), Unsupported> {
    let incomplete = preflight::listed(found, preflight::INCOMPLETE)?;
    if incomplete.is_empty() {
        return Ok(());
    }
    Err(Unsupported {
        what: format!(
            "a restore is filling these databases, or was broken off and left them incomplete: {}",
            incomplete.join(", ")
        ),
        help: "wait for the restore; or restore again".into(),
    })
}

fn warnings(found: &Findings, views: &Views) -> Result<Vec<String>, Unsupported> {
    let mut warnings = version::warnings(found);
    warnings.extend(rights::unknown(found));
    if !views.invalid.is_empty() {
        warnings.push(format!("views that no longer work were left out: {}", objects::named(&views.invalid)));
    }
    let versioned = version::versioned(found)?.into_iter().map(|table| (table.database, table.name));
    let versioned: Vec<_> = versioned.collect();
    if !versioned.is_empty() && !version::dumps_history(found) {
        warnings.push(format!(
            "the dump program does not write the history of system-versioned tables, only their current rows ({}): install that \
             of MariaDB 10.11 or later",
            objects::named(&versioned)
        ));
    }
    warnings.extend(preflight::warnings(found)?);
    warnings.extend(users::warnings(found)?);
    warnings.extend(options::warning(found));
    Ok(warnings)
}

/// The dump program that fits the server.
pub(super) fn program(mysql: &Mysql, found: &Findings) -> Step {
    let step = mysql.account.program(version::server(found).dump());
    match version::dump(found) {
        version::Family::MariaDb => step,
        version::Family::MySql => step.args(MYSQL),
    }
}

fn rows(mysql: &Mysql, found: &Findings, views: &Views) -> Result<Step, Unsupported> {
    // The options that make a dump complete come last, so they win.
    let mut step = program(mysql, found).args(&mysql.extra_args).args(ROWS);
    step = if mysql.lock { step.arg(LOCK) } else { step.args(SNAPSHOT) };
    if version::dumps_history(found) && !version::versioned(found)?.is_empty() {
        step = step.arg("--dump-history");
    }
    let left_out = mysql.exclude_tables.iter().map(|table| (&table.database, &table.name));
    let views = views.all.iter().map(|(database, name)| (database, name));
    Ok(left_out.chain(views).fold(step, |step, (database, name)| step.arg(format!("--ignore-table={database}.{name}"))))
}

/// One segment: what comes after its first part has no name of its own. Views may use routines and views of other databases.
fn objects(mysql: &Mysql, found: &Findings, names: &[String], views: &Views) -> Vec<Segment> {
    let marks = Marks::of(found);
    let dumped = |dump: Step| Segment::of(vec![dump]).with_trailer(sql::TRAILER);
    let within = |name: &str| {
        let selected = format!("{}\nUSE {};\n", marks.database(), sql::ident(name));
        (!matches!(mysql.scope, Scope::One(_))).then(|| literal(&selected))
    };
    let mut parts = Vec::new();
    for name in names {
        parts.extend(within(name));
        parts.push(Segment::of(vec![objects::properties(mysql, found, name)]));
        parts.push(dumped(objects::routines(mysql, found, name, views)));
    }
    for (name, views) in views.in_order() {
        parts.extend(within(&name));
        parts.push(dumped(objects::views(mysql, found, &name, &views)));
    }
    for name in names {
        parts.extend(within(name));
        parts.push(Segment::of(objects::triggers(mysql, found, name, &marks)));
        parts.push(Segment::of(vec![objects::events(mysql, found, name, &marks)]));
    }
    if let Some(first) = parts.first_mut() {
        first.name = Some(OBJECTS.to_owned());
    }
    parts.push(literal(&format!("{}: views, routines, triggers and events\n", sql::TRAILER)));
    parts
}

fn literal(text: &str) -> Segment {
    Segment::new(Source::Literal(ByteString::from(text)))
}

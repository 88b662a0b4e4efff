//! The dump, as mysqldump's manual recommends for a consistent one: tables and their rows as of one moment, then what runs.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Capture, Segment, Source};
use bahub_core::replay::Unsupported;
use bahub_core::step::{ByteString, Step};

use super::config::OnInvalidView;
use super::scope::Scope;
use super::{Mysql, objects, preflight, record, rights, sql, users, version};
use crate::{list, options};

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
    let invalid = named_pairs(found, preflight::INVALID);
    if mysql.on_invalid_view == OnInvalidView::Fail && !invalid.is_empty() {
        return Err(Unsupported {
            what: format!("views that no longer work cannot be dumped: {}", named(&invalid)),
            help: "repair or drop them: SHOW CREATE VIEW shows each; or set `on_invalid_view: skip` to leave them out"
                .into(),
        });
    }
    let names = match &mysql.scope {
        Scope::One(name) => vec![name.clone()],
        Scope::Some(names) => names.clone(),
        Scope::All { .. } => databases(found)?,
    };
    let mut segments = Vec::new();
    if !names.is_empty() {
        let rows = rows(mysql, found);
        let rows = match &mysql.scope {
            Scope::One(name) => rows.arg("--").arg(name),
            Scope::Some(_) | Scope::All { .. } => rows.args(["--databases", "--"]).args(&names),
        };
        segments.push(Segment::of(vec![rows]).with_trailer(sql::TRAILER).named(DATA));
        segments.extend(objects(mysql, found, &names));
    }
    if mysql.users {
        segments.extend(users::segments(mysql, found));
    }
    if segments.is_empty() {
        return Err(Unsupported {
            what: "the server has no database to back up".into(),
            help: "check `exclude_databases`, and which databases the user can see: SHOW DATABASES".into(),
        });
    }
    Ok(Capture {
        segments,
        warnings: warnings(found, &invalid),
        record: record::of(&mysql.scope, &names, mysql.users, found),
    })
}

fn warnings(found: &Findings, invalid: &[(String, String)]) -> Vec<String> {
    let mut warnings = version::warnings(found);
    if !invalid.is_empty() {
        warnings.push(format!("views that no longer work were left out: {}", named(invalid)));
    }
    let versioned = named_pairs(found, preflight::VERSIONED);
    if !versioned.is_empty() && !version::dumps_history(found) {
        warnings.push(format!(
            "the dump program does not write the history of system-versioned tables, only their current rows ({}): install that \
             of MariaDB 10.11 or later",
            named(&versioned)
        ));
    }
    let uncovered = found.get(preflight::UNCOVERED).and_then(list::parse).unwrap_or_default();
    warnings.extend(preflight::warning(&uncovered));
    warnings.extend(users::warnings(found));
    warnings.extend(options::warning(found));
    warnings
}

/// Database and name of the objects that a finding lists.
pub(super) fn named_pairs(found: &Findings, finding: &str) -> Vec<(String, String)> {
    let texts = found.get(finding).and_then(list::parse).unwrap_or_default();
    let mut pairs: Vec<_> = texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    pairs.sort();
    pairs
}

fn named(objects: &[(String, String)]) -> String {
    objects.iter().map(|(database, name)| format!("{database}.{name}")).collect::<Vec<_>>().join(", ")
}

fn databases(found: &Findings) -> Result<Vec<String>, Unsupported> {
    let Some(line) = found.get(preflight::DATABASES) else { return Ok(Vec::new()) };
    let mut names = list::parse(line).ok_or_else(|| Unsupported {
        what: "the server's list of databases cannot be read".into(),
        help: "list the databases in `databases`".into(),
    })?;
    names.sort();
    Ok(names)
}

/// The dump program that fits the server.
pub(super) fn program(mysql: &Mysql, found: &Findings) -> Step {
    let step = mysql.account.program(version::server(found).dump());
    match version::dump(found) {
        version::Family::MariaDb => step,
        version::Family::MySql => step.args(MYSQL),
    }
}

fn rows(mysql: &Mysql, found: &Findings) -> Step {
    // The options that make a dump complete come last, so they win.
    let mut step = program(mysql, found).args(&mysql.extra_args).args(ROWS);
    step = if mysql.lock { step.arg(LOCK) } else { step.args(SNAPSHOT) };
    if version::dumps_history(found) && !named_pairs(found, preflight::VERSIONED).is_empty() {
        step = step.arg("--dump-history");
    }
    let left_out = mysql.exclude_tables.iter().map(|table| (table.database.clone(), table.name.clone()));
    let views = named_pairs(found, preflight::VIEWS);
    left_out.chain(views).fold(step, |step, (database, name)| step.arg(format!("--ignore-table={database}.{name}")))
}

/// One segment: what comes after its first part has no name of its own.
fn objects(mysql: &Mysql, found: &Findings, names: &[String]) -> Vec<Segment> {
    let mut parts = Vec::new();
    for name in names {
        if !matches!(mysql.scope, Scope::One(_)) {
            parts.push(literal(&format!("USE {};\n", sql::ident(name))));
        }
        parts.push(Segment::of(vec![objects::properties(mysql, found, name)]));
        let dumps = objects::routines_and_views(mysql, found, name).into_iter();
        parts.extend(dumps.map(|dump| Segment::of(vec![dump]).with_trailer(sql::TRAILER)));
        parts.push(Segment::of(vec![objects::triggers_and_events(mysql, found, name)]));
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

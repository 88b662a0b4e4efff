//! The dump, as mysqldump's manual recommends for a consistent one.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Capture, Segment};
use bahub_core::replay::Unsupported;
use bahub_core::step::Step;

use super::scope::Scope;
use super::{Mysql, preflight, record, sql, users, version};
use crate::{list, options};

/// Everything that belongs to a database, rows as they are read, bytes in hexadecimal.
const WHOLE: [&str; 7] =
    ["--quick", "--routines", "--events", "--triggers", "--hex-blob", "--comments", "--no-tablespaces"];

/// One snapshot for all of it, without locks: InnoDB's repeatable read.
const SNAPSHOT: [&str; 2] = ["--single-transaction", "--skip-lock-tables"];
/// One moment for all of it, by a read lock on every table.
const LOCK: &str = "--lock-all-tables";

/// What MySQL's own program would add: statements for replication, and statistics that older servers do not have.
const MYSQL: [&str; 2] = ["--set-gtid-purged=OFF", "--column-statistics=0"];

/// The name of the segment with all databases.
pub(super) const DATABASES: &str = "databases";

pub(super) fn capture(mysql: &Mysql, found: &Findings) -> Result<Capture, Unsupported> {
    let dump = dump(mysql, found);
    let names = match &mysql.scope {
        Scope::One(name) => vec![name.clone()],
        Scope::Some(names) => names.clone(),
        Scope::All { .. } => databases(found)?,
    };
    let mut segments = match &mysql.scope {
        Scope::One(name) => vec![properties(mysql, name), segment(None, dump.arg("--").arg(name))],
        Scope::Some(_) | Scope::All { .. } if names.is_empty() => Vec::new(),
        Scope::Some(_) | Scope::All { .. } => vec![segment(Some(DATABASES), several(dump, &names))],
    };
    if mysql.users {
        segments.extend(users::segments(mysql, found));
    }
    if segments.is_empty() {
        return Err(Unsupported {
            what: "the server has no database to back up".into(),
            help: "check `exclude_databases`, and which databases the user can see: SHOW DATABASES".into(),
        });
    }
    let mut warnings = version::warnings(found);
    let uncovered = found.get(preflight::UNCOVERED).and_then(list::parse).unwrap_or_default();
    warnings.extend(preflight::warning(&uncovered));
    warnings.extend(users::warning(found));
    warnings.extend(options::warning(found));
    Ok(Capture { segments, warnings, record: record::of(&mysql.scope, &names, mysql.users) })
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

fn dump(mysql: &Mysql, found: &Findings) -> Step {
    // The options that make a dump complete come last, so they win.
    let mut step = mysql.account.dump().args(&mysql.extra_args).args(WHOLE);
    step = if mysql.lock { step.arg(LOCK) } else { step.args(SNAPSHOT) };
    if version::dumps_as_mysql(found) {
        step = step.args(MYSQL);
    }
    for table in &mysql.exclude_tables {
        step = step.arg(format!("--ignore-table={}.{}", table.database, table.name));
    }
    step
}

fn several(dump: Step, names: &[String]) -> Step {
    dump.args(["--add-drop-database", "--databases", "--"]).args(names)
}

fn segment(name: Option<&str>, dump: Step) -> Segment {
    let whole = Segment::of(vec![dump]).with_trailer(sql::TRAILER);
    match name {
        Some(name) => whole.named(name),
        None => whole,
    }
}

/// A dump of one database does not contain its default character set; without a name this applies to the database that
/// it is restored into.
fn properties(mysql: &Mysql, name: &str) -> Segment {
    let statement = format!(
        "SELECT CONCAT('ALTER DATABASE CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name, ';') \
         FROM information_schema.schemata WHERE schema_name = {};",
        sql::text(name)
    );
    Segment::of(vec![preflight::query(mysql, &statement)])
}

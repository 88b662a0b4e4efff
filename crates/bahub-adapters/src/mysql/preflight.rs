//! What is checked before anything starts: programs, the server, the login, the databases, the rights.

use bahub_core::adapter::{Findings, Probe};
use bahub_core::replay::Unsupported;
use bahub_core::run::RunPurpose;
use bahub_core::step::{ByteString, Stdin, Step};

use super::scope::{SYSTEM, Scope};
use super::version::{self, Family};
use super::{Mysql, rights, sql, swap, users};
use crate::{list, options};

/// The findings' names.
pub(super) const DATABASES: &str = "databases";
pub(super) const UNGRANTED: &str = "tables whose grants are left out";
pub(super) const UNCOVERED: &str = "tables that no transaction covers";
pub(super) const ELSEWHERE: &str = "tables whose rows are elsewhere";
pub(super) const INCOMPLETE: &str = "databases that a restore has not finished";
pub(super) const LEFT: &str = "databases that a restore has left";
pub(super) const VIEWS: &str = "views";
pub(super) const USED_VIEWS: &str = "views that others use";
pub(super) const OVER_EXCLUDED: &str = "views over tables that are left out";
pub(super) const ALIKE: &str = "names that the dump program does not distinguish";
pub(super) const MARKER: &str = "marker";
pub(super) const INVALID: &str = "views that no longer work";
pub(super) const VERSIONED: &str = "system-versioned tables";
pub(super) const SEQUENCES: &str = "sequences";
pub(super) const REFERENCED: &str = "foreign keys of other databases";
pub(super) const OTHER_CASE: &str = "databases that differ in case";
pub(super) const IGNORES_CASE: &str = "names of databases ignore case";
const PRESENT: &str = "databases that are there";

/// At most this many names are listed.
const MAX_NAMES: usize = 20;

pub(super) fn probes(mysql: &Mysql, purpose: RunPurpose) -> Vec<Probe> {
    let version = |names: [&str; 2]| Step::first_of(names).arg("--version").env("LC_ALL", "C");
    let mut probes = vec![
        Probe::tool(version::CLIENT, version(Family::MariaDb.client())),
        Probe::tool(version::SERVER, query(mysql, "SELECT VERSION();")),
    ];
    match purpose {
        RunPurpose::Restore => probes.extend(before_a_restore(mysql)),
        RunPurpose::Backup => {
            probes.insert(0, Probe::tool(version::DUMP, version(Family::MariaDb.dump())));
            probes.insert(1, Probe::fact(version::MYSQL_DUMP, version(Family::MySql.dump())));
            probes.extend(before_a_backup(mysql));
        }
        RunPurpose::Recover => {}
    }
    probes
}

fn before_a_restore(mysql: &Mysql) -> Vec<Probe> {
    let present = "information_schema.schemata WHERE schema_name NOT IN ('information_schema', 'performance_schema')";
    // What another restore left, or fills, is no data of others.
    let referenced = format!(
        "information_schema.referential_constraints WHERE {} AND constraint_schema <> unique_constraint_schema AND NOT constraint_schema {OF_RESTORES}",
        within(mysql, "unique_constraint_schema"),
    );
    let referenced = lists(
        &[
            "unique_constraint_schema",
            "constraint_schema",
            "CONCAT(constraint_schema, '.', table_name, ' (', constraint_name, ')')",
        ],
        &referenced,
    );
    let other_case = format!(
        "(SELECT DISTINCT event_schema AS name FROM information_schema.events AS e WHERE @@lower_case_table_names = 0 AND NOT ({}) AND EXISTS \
          (SELECT 1 FROM information_schema.schemata AS s WHERE {} AND LOWER(s.schema_name) = LOWER(e.event_schema))) AS others",
        within(mysql, "event_schema"),
        within(mysql, "s.schema_name")
    );
    vec![
        Probe::check(Step::new("sed").args(["-n", "p"]).env("LC_ALL", "C")),
        Probe::fact(rights::LACKING, query(mysql, &rights::to_replace(mysql))),
        Probe::fact(rights::ROLES, query(mysql, rights::ROLES_QUERY)),
        Probe::fact(PRESENT, query(mysql, &list_of("schema_name", present))),
        Probe::fact(REFERENCED, query(mysql, &referenced)),
        Probe::fact(IGNORES_CASE, query(mysql, "SELECT @@lower_case_table_names <> 0;")),
        Probe::fact(OTHER_CASE, query(mysql, &list_of("name", &other_case))),
    ]
}

fn before_a_backup(mysql: &Mysql) -> Vec<Probe> {
    let mut probes = Vec::new();
    probes.extend(named(mysql).map(|name| Probe::check(query(mysql, &format!("USE {};", sql::ident(name))))));
    probes.push(Probe::fact(rights::LACKING, query(mysql, &rights::to_read(mysql))));
    probes.push(Probe::fact(rights::ROLES, query(mysql, rights::ROLES_QUERY)));
    probes.push(Probe::fact(VIEWS, query(mysql, &pairs(mysql, "table_type = 'VIEW'"))));
    probes.push(Probe::fact(USED_VIEWS, query(mysql, &used_views(mysql))));
    probes.push(Probe::fact(INVALID, query(mysql, &pairs(mysql, INVALID_VIEW))));
    probes.push(Probe::fact(VERSIONED, query(mysql, &versioned(mysql))));
    let sequences = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_type = 'SEQUENCE' AND {};",
        within(mysql, "table_schema")
    );
    probes.push(Probe::fact(SEQUENCES, query(mysql, &sequences)));
    if mysql.users {
        probes.push(Probe::check(Step::new("sed").args(["-n", "p"]).env("LC_ALL", "C")));
        probes.push(Probe::fact(UNGRANTED, query(mysql, &ungranted(mysql))));
        probes.push(Probe::fact(users::SECOND_PASSWORDS, query(mysql, users::SECOND_PASSWORDS_QUERY)));
    }
    // The server says how it spells them.
    let databases = format!("information_schema.schemata WHERE {}", within(mysql, "schema_name"));
    probes.push(Probe::fact(DATABASES, query(mysql, &list_of("schema_name", &databases))));
    probes.push(Probe::fact(ALIKE, query(mysql, &alike(mysql))));
    probes.push(Probe::fact(MARKER, query(mysql, "SELECT LEFT(SHA2(CONCAT(UUID(), RAND()), 256), 16);")));
    if !mysql.exclude_tables.is_empty() {
        probes.push(Probe::fact(options::FITS_NOTHING, query(mysql, &fits_nothing(mysql))));
        probes.push(Probe::fact(OVER_EXCLUDED, query(mysql, &over_excluded(mysql))));
    }
    probes.push(Probe::fact(ELSEWHERE, query(mysql, &elsewhere(mysql))));
    let incomplete = swap::incomplete(&within(mysql, "table_schema"));
    probes.push(Probe::fact(INCOMPLETE, query(mysql, &list_of("table_schema", &incomplete))));
    probes.push(Probe::fact(LEFT, query(mysql, &list_of("table_schema", &swap::left()))));
    if !mysql.lock {
        probes.push(Probe::fact(UNCOVERED, query(mysql, &uncovered(mysql))));
    }
    probes
}

/// A view that cannot be opened: MySQL says so in its comment, MariaDB knows no columns of it.
const INVALID_VIEW: &str = "table_type = 'VIEW' AND (table_comment LIKE '%references invalid%' OR NOT EXISTS \
    (SELECT 1 FROM information_schema.columns AS c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name))";

/// Database and name of tables that meet a condition, one after the other.
fn pairs(mysql: &Mysql, condition: &str) -> String {
    let from = format!("information_schema.tables AS t WHERE {} AND {condition}", within(mysql, "table_schema"));
    lists(&["table_schema", "table_name"], &from)
}

/// Database, name, and which column of system-versioned tables has the end of a row: 0 where it is none of the table's own.
fn versioned(mysql: &Mysql) -> String {
    // MySQL has neither such tables nor such expressions.
    let end = "COALESCE((SELECT MAX(ordinal_position) FROM information_schema.columns AS c WHERE c.table_schema = t.table_schema \
               AND c.table_name = t.table_name AND c.generation_expression = 'ROW END'), 0)";
    let from = format!(
        "information_schema.tables AS t WHERE {} AND table_type = 'SYSTEM VERSIONED'",
        within(mysql, "table_schema")
    );
    lists(&["table_schema", "table_name", end], &from)
}

/// Database and name of a view, and those of another one that it uses, one after the other. MariaDB has no catalogue of this; in a
/// definition every name is qualified. Only those of databases that a definition mentions are compared with it.
fn used_views(mysql: &Mysql) -> String {
    let from = format!(
        "(SELECT v.table_schema, v.table_name, v.view_definition, s.schema_name FROM information_schema.views AS v JOIN information_schema.schemata AS s \
            ON LOCATE(BINARY CONCAT({}, '.'), BINARY v.view_definition) > 0 WHERE {} AND {}) AS v \
         JOIN (SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'VIEW') AS u \
           ON u.table_schema = v.schema_name AND LOCATE(BINARY CONCAT({}, '.', {}), BINARY v.view_definition) > 0 \
         WHERE NOT (u.table_schema = v.table_schema AND u.table_name = v.table_name)",
        sql::quoted("s.schema_name"),
        within(mysql, "v.table_schema"),
        within(mysql, "s.schema_name"),
        sql::quoted("u.table_schema"),
        sql::quoted("u.table_name"),
    );
    lists(&["v.table_schema", "v.table_name", "u.table_schema", "u.table_name"], &from)
}

/// Views, and what they use that is left out of the backup.
fn over_excluded(mysql: &Mysql) -> String {
    let from = format!(
        "information_schema.views AS v JOIN ({}) AS x ON LOCATE(LOWER(CONCAT({}, '.', {})), LOWER(v.view_definition)) > 0 WHERE {}",
        excluded(mysql),
        sql::quoted("x.place"),
        sql::quoted("x.name"),
        within(mysql, "v.table_schema"),
    );
    lists(&["v.table_schema", "v.table_name", "CONCAT(x.place, '.', x.name)"], &from)
}

/// Tables that the dump program would leave out with a view or an excluded table: it compares `database.table` as one text, without
/// regard to case and accents.
fn alike(mysql: &Mysql) -> String {
    let whole = |place: &str, name: &str| {
        format!("CONVERT(CONCAT({place}, '.', {name}) USING utf8mb4) COLLATE utf8mb4_general_ci")
    };
    let is_excluded = match mysql.exclude_tables.is_empty() {
        true => "0".to_owned(),
        false => format!(
            "EXISTS (SELECT 1 FROM ({}) AS x WHERE {} = {})",
            excluded(mysql),
            whole("x.place", "x.name"),
            whole("t.table_schema", "t.table_name")
        ),
    };
    let from = format!(
        "(SELECT GROUP_CONCAT(CONCAT(table_schema, '.', table_name) ORDER BY table_type, table_name SEPARATOR ', ') AS name FROM information_schema.tables AS t WHERE {} \
          GROUP BY {} HAVING COUNT(*) > 1 AND SUM(table_type <> 'VIEW') > 0 AND (SUM(table_type = 'VIEW') > 0 OR MAX({is_excluded}))) AS alike",
        within(mysql, "table_schema"),
        whole("table_schema", "table_name")
    );
    list_of("name", &from)
}

/// The databases that are on the server before a restore.
pub(super) fn present(found: &Findings) -> Result<Vec<String>, Unsupported> {
    listed(found, PRESENT)
}

/// Whether the server ignores case in names of databases.
pub(super) fn ignores_case(found: &Findings) -> bool {
    found.get(IGNORES_CASE) == Some("1")
}

/// The list that a probe found; none where it did not look. A truncated one would leave something out silently.
pub(super) fn listed(found: &Findings, finding: &str) -> Result<Vec<String>, Unsupported> {
    let Some(line) = found.get(finding).filter(|line| !line.is_empty()) else { return Ok(Vec::new()) };
    list::parse(line).ok_or_else(|| Unsupported {
        what: format!("the server's list of {finding} is too long to be read"),
        help: "back up fewer databases with one spec".into(),
    })
}

/// The databases of the backup, as the server spells them.
pub(super) fn databases(mysql: &Mysql, found: &Findings) -> Result<Vec<String>, Unsupported> {
    let mut present = listed(found, DATABASES)?;
    present.sort();
    let spelt = |name: &String| {
        let is_it = |other: &&String| other.to_lowercase() == name.to_lowercase();
        let exact = present.iter().find(|other| *other == name);
        exact.or_else(|| present.iter().find(is_it)).unwrap_or(name).clone()
    };
    let mut names = match &mysql.scope {
        Scope::One(name) => vec![spelt(name)],
        Scope::Some(names) => names.iter().map(spelt).collect(),
        Scope::All { .. } => present.clone(),
    };
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// The client with these statements.
pub(super) fn query(mysql: &Mysql, statements: &str) -> Step {
    mysql.account.client().stdin(Stdin::Literal(ByteString::from(statements)))
}

fn named(mysql: &Mysql) -> impl Iterator<Item = &str> + Clone {
    let names = match &mysql.scope {
        Scope::One(name) => std::slice::from_ref(name),
        Scope::Some(names) => names,
        Scope::All { .. } => &[],
    };
    names.iter().map(String::as_str)
}

/// Databases that a restore or a drill fills are not the user's data.
const OF_RESTORES: &str = "REGEXP '^__bahub_(new|try)_[0-9a-f]{32}'";

/// A condition on a column that holds names of databases: those of the backup.
pub(super) fn within(mysql: &Mysql, column: &str) -> String {
    match &mysql.scope {
        Scope::All { exclude } => {
            let left_out = sql::among(column, SYSTEM.into_iter().chain(exclude.iter().map(String::as_str)));
            format!("(NOT {left_out} AND NOT {column} {OF_RESTORES})")
        }
        Scope::One(_) | Scope::Some(_) => sql::among(column, named(mysql)),
    }
}

/// A counted list of strings in hexadecimal, on one line.
pub(super) fn list_of(column: &str, from: &str) -> String {
    lists(&[column], from)
}

/// The same of several columns, one row after the other.
fn lists(columns: &[&str], from: &str) -> String {
    let hex: Vec<_> = columns.iter().map(|column| format!("HEX(CONVERT({column} USING utf8mb4))")).collect();
    format!(
        "SET SESSION group_concat_max_len = 67108864; \
         SELECT CONCAT({} * COUNT(*), ' ', COALESCE(GROUP_CONCAT(CONCAT({}) SEPARATOR ' '), '')) FROM {from};",
        columns.len(),
        hex.join(", ' ', ")
    )
}

/// Engines whose rows are in files or on servers elsewhere: the dump programs write none of them. A table of the last one is
/// nothing but the names of others.
const OF_ELSEWHERE: &str = "('CONNECT', 'FEDERATED', 'OQGRAPH', 'SPIDER', 'VP')";
const OF_OTHERS: &str = "'MRG_MYISAM'";

/// Tables of these engines.
fn elsewhere(mysql: &Mysql) -> String {
    let tables = format!(
        "(SELECT CONCAT(table_schema, '.', table_name, ' (', engine, ')') AS name FROM information_schema.tables \
          WHERE table_type = 'BASE TABLE' AND {} AND UPPER(engine) IN {OF_ELSEWHERE} ORDER BY 1 LIMIT {}) AS elsewhere",
        within(mysql, "table_schema"),
        MAX_NAMES + 1,
    );
    list_of("name", &tables)
}

/// Tables of engines without transactions: the first of them by name, plus one if there are more than are listed.
fn uncovered(mysql: &Mysql) -> String {
    let tables = format!(
        "(SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables \
          WHERE table_type = 'BASE TABLE' AND {} AND UPPER(engine) NOT IN {OF_ELSEWHERE} AND UPPER(engine) <> {OF_OTHERS} AND engine NOT IN \
          (SELECT engine FROM information_schema.engines WHERE transactions = 'YES') ORDER BY 1 LIMIT {}) AS uncovered",
        within(mysql, "table_schema"),
        MAX_NAMES + 1,
    );
    list_of("name", &tables)
}

/// Tables with grants that are not in the backup: dropped ones, whose grants stay behind, and those of other databases. No
/// server accepts a grant on a table that it does not have.
fn ungranted(mysql: &Mysql) -> String {
    let name = |column: &str| format!("'`', REPLACE({column}, '`', '``'), '`'");
    let tables = format!(
        "(SELECT DISTINCT CONCAT({}, '.', {}) AS name FROM mysql.tables_priv AS p WHERE NOT (({} OR p.Db IN {}) AND EXISTS \
          (SELECT 1 FROM information_schema.tables AS t WHERE BINARY t.table_schema = BINARY p.Db AND BINARY t.table_name = BINARY p.Table_name))) AS ungranted",
        name("p.Db"),
        name("p.Table_name"),
        within(mysql, "p.Db"),
        sql::texts(SYSTEM),
    );
    list_of("name", &tables)
}

/// The tables to leave out, as rows of `place` and `name`.
fn excluded(mysql: &Mysql) -> String {
    let rows = mysql
        .exclude_tables
        .iter()
        .map(|table| format!("SELECT {} AS place, {} AS name", sql::text(&table.database), sql::text(&table.name)));
    rows.collect::<Vec<_>>().join(" UNION ALL ")
}

/// Excluded tables that do not exist; names are compared as the dump program does, ignoring case.
fn fits_nothing(mysql: &Mysql) -> String {
    let tables = format!(
        "(SELECT CONCAT(place, '.', name) AS name FROM ({}) AS tables_to_leave_out WHERE NOT EXISTS \
          (SELECT 1 FROM information_schema.tables AS t WHERE LOWER(t.table_schema) = LOWER(place) AND LOWER(t.table_name) = LOWER(name))) AS absent",
        excluded(mysql)
    );
    list_of("name", &tables)
}

/// The warnings about tables that are not covered, whose rows are not there, and about what a restore has left.
pub(super) fn warnings(found: &Findings) -> Result<Vec<String>, Unsupported> {
    let named = |finding: &str, sentence: &dyn Fn(String) -> String| {
        let names = listed(found, finding)?;
        let more = if names.len() > MAX_NAMES { " and more" } else { "" };
        let list = names.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        Ok((!names.is_empty()).then(|| sentence(list + more)))
    };
    let warnings = [
        named(UNCOVERED, &|names| {
            format!(
                "tables whose engine has no transactions are not in a consistent snapshot, each was read at its own time: {names}; \
                 `lock: true` locks them during the dump"
            )
        })?,
        named(ELSEWHERE, &|names| {
            format!(
                "the backup has the definition of these tables, and none of their rows, which their engine keeps elsewhere: {names}"
            )
        })?,
        named(LEFT, &|names| {
            format!(
                "a restore was broken off when its tables were taking the place of a database's, which may be incomplete: they are in {names}; \
                 restore again, and drop these afterwards"
            )
        })?,
    ];
    Ok(warnings.into_iter().flatten().collect())
}

//! What is checked before anything starts: programs, the server, the login, the databases, the rights.

use bahub_core::adapter::{Findings, Probe};
use bahub_core::run::RunPurpose;
use bahub_core::step::{ByteString, Stdin, Step};

use super::scope::{SYSTEM, Scope};
use super::version::{self, Family};
use super::{Mysql, rights, sql, users};
use crate::{list, options};

/// The findings' names.
pub(super) const DATABASES: &str = "databases";
pub(super) const UNGRANTED: &str = "tables whose grants are left out";
pub(super) const EVENTS: &str = "events that run";
pub(super) const UNCOVERED: &str = "tables that no transaction covers";
pub(super) const VIEWS: &str = "views";
pub(super) const USED_VIEWS: &str = "views that others use";
pub(super) const INVALID: &str = "views that no longer work";
pub(super) const VERSIONED: &str = "system-versioned tables";
pub(super) const SEQUENCES: &str = "sequences";
pub(super) const REFERENCED: &str = "foreign keys of other databases";
pub(super) const OTHER_CASE: &str = "databases that differ in case";
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
    let events = format!(
        "SELECT @@event_scheduler = 'ON' AND EXISTS (SELECT 1 FROM information_schema.events WHERE status = 'ENABLED' AND {});",
        within(mysql, "event_schema")
    );
    let present = "information_schema.schemata WHERE schema_name NOT IN ('information_schema', 'performance_schema')";
    let referenced = format!(
        "(SELECT DISTINCT CONCAT(constraint_schema, '.', table_name, ' (', constraint_name, ')') AS name FROM information_schema.referential_constraints \
          WHERE {} AND NOT ({})) AS keys_of_others",
        within(mysql, "unique_constraint_schema"),
        within(mysql, "constraint_schema")
    );
    let other_case = format!(
        "(SELECT DISTINCT event_schema AS name FROM information_schema.events AS e WHERE NOT ({}) AND EXISTS \
          (SELECT 1 FROM information_schema.schemata AS s WHERE {} AND LOWER(s.schema_name) = LOWER(e.event_schema))) AS others",
        within(mysql, "event_schema"),
        within(mysql, "s.schema_name")
    );
    vec![
        Probe::check(Step::new("sed").args(["-n", "p"]).env("LC_ALL", "C")),
        Probe::fact(EVENTS, query(mysql, &events)),
        Probe::fact(rights::LACKING, query(mysql, &rights::to_replace(mysql))),
        Probe::fact(PRESENT, query(mysql, &list_of("schema_name", present))),
        Probe::fact(REFERENCED, query(mysql, &list_of("name", &referenced))),
        Probe::fact(OTHER_CASE, query(mysql, &list_of("name", &other_case))),
    ]
}

fn before_a_backup(mysql: &Mysql) -> Vec<Probe> {
    let mut probes = Vec::new();
    probes.extend(named(mysql).map(|name| Probe::check(query(mysql, &format!("USE {};", sql::ident(name))))));
    probes.push(Probe::fact(rights::LACKING, query(mysql, &rights::to_read(mysql))));
    probes.push(Probe::fact(VIEWS, query(mysql, &pairs(mysql, "table_type = 'VIEW'"))));
    probes.push(Probe::fact(USED_VIEWS, query(mysql, &used_views(mysql))));
    probes.push(Probe::fact(INVALID, query(mysql, &pairs(mysql, INVALID_VIEW))));
    probes.push(Probe::fact(VERSIONED, query(mysql, &pairs(mysql, "table_type = 'SYSTEM VERSIONED'"))));
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
    if let Scope::All { exclude } = &mysql.scope {
        let left_out = sql::texts(SYSTEM.into_iter().chain(exclude.iter().map(String::as_str)));
        // Databases that a restore or a drill fills are not the user's data.
        let from = format!(
            "information_schema.schemata WHERE {} NOT IN {left_out} AND NOT schema_name REGEXP '^__bahub_(new|try)_[0-9a-f]{{32}}'",
            sql::exact("schema_name")
        );
        probes.push(Probe::fact(DATABASES, query(mysql, &list_of("schema_name", &from))));
    }
    if !mysql.exclude_tables.is_empty() {
        probes.push(Probe::fact(options::FITS_NOTHING, query(mysql, &fits_nothing(mysql))));
    }
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
    let hex = |column: &str| format!("HEX(CONVERT({column} USING utf8mb4))");
    format!(
        "SET SESSION group_concat_max_len = 67108864; \
         SELECT CONCAT(2 * COUNT(*), ' ', COALESCE(GROUP_CONCAT(CONCAT({}, ' ', {}) SEPARATOR ' '), '')) FROM information_schema.tables AS t \
         WHERE {} AND {condition};",
        hex("table_schema"),
        hex("table_name"),
        within(mysql, "table_schema")
    )
}

/// Database, view, and a view of this database that it uses, one after the other. MariaDB has no catalogue of this; in a
/// definition every name is qualified.
fn used_views(mysql: &Mysql) -> String {
    let hex = |column: &str| format!("HEX(CONVERT({column} USING utf8mb4))");
    format!(
        "SET SESSION group_concat_max_len = 67108864; \
         SELECT CONCAT(3 * COUNT(*), ' ', COALESCE(GROUP_CONCAT(CONCAT({}, ' ', {}, ' ', {}) SEPARATOR ' '), '')) \
         FROM information_schema.views AS v JOIN information_schema.tables AS u \
           ON u.table_schema = v.table_schema AND u.table_type = 'VIEW' AND u.table_name <> v.table_name \
         WHERE {} AND LOCATE(CONCAT({}, '.', {}), v.view_definition) > 0;",
        hex("v.table_schema"),
        hex("v.table_name"),
        hex("u.table_name"),
        within(mysql, "v.table_schema"),
        sql::quoted("u.table_schema"),
        sql::quoted("u.table_name"),
    )
}

/// The databases that are on the server before a restore.
pub(super) fn present(found: &Findings) -> Vec<String> {
    found.get(PRESENT).and_then(list::parse).unwrap_or_default()
}

/// The client with these statements.
pub(super) fn query(mysql: &Mysql, statements: &str) -> Step {
    mysql.account.client().stdin(Stdin::Literal(ByteString::from(statements)))
}

fn named(mysql: &Mysql) -> impl Iterator<Item = &str> {
    let names = match &mysql.scope {
        Scope::One(name) => std::slice::from_ref(name),
        Scope::Some(names) => names,
        Scope::All { .. } => &[],
    };
    names.iter().map(String::as_str)
}

/// A condition on a column that holds names of databases: those of the backup.
pub(super) fn within(mysql: &Mysql, column: &str) -> String {
    match &mysql.scope {
        Scope::All { exclude } => {
            let left_out = sql::texts(SYSTEM.into_iter().chain(exclude.iter().map(String::as_str)));
            format!("{} NOT IN {left_out}", sql::exact(column))
        }
        Scope::One(_) | Scope::Some(_) => format!("{} IN {}", sql::exact(column), sql::texts(named(mysql))),
    }
}

/// A counted list of strings in hexadecimal, on one line.
pub(super) fn list_of(column: &str, from: &str) -> String {
    format!(
        "SET SESSION group_concat_max_len = 67108864; \
         SELECT CONCAT(COUNT(*), ' ', COALESCE(GROUP_CONCAT(HEX(CONVERT({column} USING utf8mb4)) SEPARATOR ' '), '')) FROM {from};"
    )
}

/// Tables of engines without transactions: the first of them by name, plus one if there are more than are listed.
fn uncovered(mysql: &Mysql) -> String {
    let tables = format!(
        "(SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables \
          WHERE table_type = 'BASE TABLE' AND {} AND engine NOT IN \
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

/// Excluded tables that do not exist; names are compared as the dump program does, ignoring case.
fn fits_nothing(mysql: &Mysql) -> String {
    let rows = mysql
        .exclude_tables
        .iter()
        .map(|table| format!("SELECT {} AS place, {} AS name", sql::text(&table.database), sql::text(&table.name)));
    let rows = rows.collect::<Vec<_>>().join(" UNION ALL ");
    let tables = format!(
        "(SELECT CONCAT(place, '.', name) AS name FROM ({rows}) AS tables_to_leave_out WHERE NOT EXISTS \
          (SELECT 1 FROM information_schema.tables AS t WHERE t.table_schema = place AND t.table_name = name)) AS absent"
    );
    list_of("name", &tables)
}

/// The warning about tables that are not covered.
pub(super) fn warning(names: &[String]) -> Option<String> {
    let more = if names.len() > MAX_NAMES { " and more" } else { "" };
    let told = names.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        format!(
            "tables whose engine has no transactions are not in a consistent snapshot, each was read at its own time: {told}{more}; \
             `lock: true` locks them during the dump"
        )
    })
}

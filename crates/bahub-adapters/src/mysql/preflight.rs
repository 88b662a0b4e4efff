//! What is checked before anything starts: programs, the server, the login, the databases, the rights.

use bahub_core::adapter::Probe;
use bahub_core::run::RunPurpose;
use bahub_core::step::{ByteString, Stdin, Step};

use super::scope::{SYSTEM, Scope};
use super::{Mysql, account, sql, version};
use crate::options;

/// The findings' names.
pub(super) const DATABASES: &str = "databases";
pub(super) const UNGRANTED: &str = "tables whose grants are left out";
pub(super) const EVENTS: &str = "events that run";
pub(super) const UNCOVERED: &str = "tables that no transaction covers";

/// At most this many names are listed.
const MAX_NAMES: usize = 20;

/// The start of a statement that cannot be prepared, to stop a probe with our own message.
pub(super) const OBJECTION: &str = "bahub objects: the user lacks ";

/// The rights that a dump needs on what it reads. Without TRIGGER, triggers are silently left out; so are routines without
/// access to `mysql.proc`.
const RIGHTS: [&str; 4] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"];

pub(super) fn probes(mysql: &Mysql, purpose: RunPurpose) -> Vec<Probe> {
    let client = Step::first_of(account::CLIENT).arg("--version").env("LC_ALL", "C");
    let mut probes =
        vec![Probe::tool(version::CLIENT, client), Probe::tool(version::SERVER, query(mysql, "SELECT VERSION();"))];
    if purpose == RunPurpose::Restore {
        let events = format!(
            "SELECT @@event_scheduler = 'ON' AND EXISTS (SELECT 1 FROM information_schema.events WHERE status = 'ENABLED' AND {});",
            within(mysql, "event_schema")
        );
        probes.push(Probe::fact(EVENTS, query(mysql, &events)));
    }
    if purpose == RunPurpose::Backup {
        let dump = Step::first_of(account::DUMP).arg("--version").env("LC_ALL", "C");
        probes.insert(0, Probe::tool(version::DUMP, dump));
        probes.extend(named(mysql).map(|name| Probe::check(query(mysql, &format!("USE {};", sql::ident(name))))));
        probes.push(Probe::check(query(mysql, &missing_rights(mysql))));
        if mysql.users {
            probes.push(Probe::check(Step::new("sed").args(["-n", "p"]).env("LC_ALL", "C")));
            probes.push(Probe::fact(UNGRANTED, query(mysql, &ungranted(mysql))));
        }
        if let Scope::All { exclude } = &mysql.scope {
            let left_out = sql::texts(SYSTEM.into_iter().chain(exclude.iter().map(String::as_str)));
            let from = format!("information_schema.schemata WHERE {} NOT IN {left_out}", exact("schema_name"));
            probes.push(Probe::fact(DATABASES, query(mysql, &list("schema_name", &from))));
        }
        if !mysql.exclude_tables.is_empty() {
            probes.push(Probe::fact(options::FITS_NOTHING, query(mysql, &fits_nothing(mysql))));
        }
        if !mysql.lock {
            probes.push(Probe::fact(UNCOVERED, query(mysql, &uncovered(mysql))));
        }
    }
    probes
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
            format!("{} NOT IN {left_out}", exact(column))
        }
        Scope::One(_) | Scope::Some(_) => format!("{} IN {}", exact(column), sql::texts(named(mysql))),
    }
}

/// A column of names, compared letter by letter: `Sys` is not `sys` where names differ by case.
fn exact(column: &str) -> String {
    format!("CONVERT({column} USING utf8mb4) COLLATE utf8mb4_bin")
}

/// A counted list of strings in hexadecimal, on one line.
fn list(column: &str, from: &str) -> String {
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
    list("name", &tables)
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
    list("name", &tables)
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
    list("name", &tables)
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

/// Fails if rights are missing on any database of the backup without which a dump would silently be incomplete. What a role
/// grants cannot be determined, so an account with one is trusted.
fn missing_rights(mysql: &Mysql) -> String {
    let rights = RIGHTS.map(|right| format!("SELECT '{right}' AS name")).join(" UNION ALL ");
    let account = "CONCAT('\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '\\'@\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\\'')";
    let on_all = format!(
        "SELECT 1 FROM information_schema.user_privileges WHERE grantee = {account} AND privilege_type = needed.name"
    );
    let on_one = format!(
        "SELECT 1 FROM information_schema.schema_privileges WHERE grantee = {account} AND privilege_type = needed.name \
         AND schemata.schema_name LIKE table_schema"
    );
    let anywhere = match mysql.scope {
        // What cannot be seen would silently be left out.
        Scope::All { .. } => String::new(),
        Scope::One(_) | Scope::Some(_) => format!("AND NOT EXISTS ({on_one})"),
    };
    format!(
        "SET SESSION sql_mode = ''; SET @missing = (SELECT GROUP_CONCAT(DISTINCT needed.name ORDER BY 1 SEPARATOR ', ') FROM ({rights}) AS needed, \
         information_schema.schemata AS schemata WHERE {} AND NOT EXISTS ({on_all}) {anywhere}); \
         SET @roles = (SELECT COUNT(*) FROM information_schema.enabled_roles WHERE role_name IS NOT NULL); \
         SET @check = IF(@missing IS NULL OR @roles > 0, 'DO 0', CONCAT('{OBJECTION}', @missing)); \
         PREPARE objection FROM @check; EXECUTE objection; \
         SET @routines = IF(VERSION() LIKE '%MariaDB%', 'SELECT 1 FROM mysql.proc LIMIT 0', 'DO 0'); \
         PREPARE routines FROM @routines; EXECUTE routines;",
        within(mysql, "schemata.schema_name"),
    )
}

//! Counting rows, and databases that exist only to be counted.

use bahub_core::replay::{ReplayTarget, RestoreTarget, Scratch, Unsupported};
use bahub_core::step::{ByteString, Stdin, Step};

use super::scope::Scope;
use super::{Mysql, preflight, sql, swap};

/// The prefix of a temporary database's name, before the run's id.
const TEMPORARY: &str = "__bahub_try_";

/// Counts the rows of every table that a dump holds.
pub(super) fn census(mysql: &Mysql, target: &ReplayTarget) -> Option<Step> {
    if !mysql.counts {
        return None;
    }
    let is_one = matches!(mysql.scope, Scope::One(_));
    let schemas = match (&target.location, &mysql.scope) {
        (RestoreTarget::Database(name), _) => sql::among("table_schema", [name.as_str()]),
        (RestoreTarget::Original | RestoreTarget::Directory(_), _) => preflight::within(mysql, "table_schema"),
    };
    // A database that is restored under another name leaves out what the original does.
    let excluded = mysql.exclude_tables.iter().map(|table| match is_one {
        true => format!(" AND table_name <> {}", sql::text(&table.name)),
        false => format!(
            " AND NOT (table_schema = {} AND table_name = {})",
            sql::text(&table.database),
            sql::text(&table.name)
        ),
    });
    let name = if is_one { "table_name" } else { "CONCAT(table_schema, '.', table_name)" };
    let ident = |column: &str| format!("'`', REPLACE({column}, '`', '``'), '`'");
    let held = match &target.location {
        RestoreTarget::Database(name) => run_of(name).map(swap::locked),
        RestoreTarget::Original | RestoreTarget::Directory(_) => None,
    };
    let statements = held.unwrap_or_default()
        + &format!(
            "SET SESSION group_concat_max_len = 67108864; \
         SET @census = (SELECT GROUP_CONCAT(CONCAT('SELECT CONCAT(COUNT(*), '' '', _utf8mb4 X''', HEX(CONVERT({name} USING utf8mb4)), ''') FROM ', \
           {}, '.', {}) SEPARATOR ' UNION ALL ') FROM information_schema.tables \
           WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND {schemas}{}); \
         SET @census = COALESCE(@census, 'DO 0'); PREPARE census FROM @census; EXECUTE census;",
            ident("table_schema"),
            ident("table_name"),
            excluded.collect::<String>()
        );
    // Line breaks in a name are escaped.
    Some(mysql.account.escaping_client().stdin(Stdin::Literal(ByteString::from(&statements))))
}

/// A temporary database; impossible for a dump of several, which names its databases.
pub(super) fn scratch(mysql: &Mysql, run: &str) -> Result<Scratch, Unsupported> {
    let Scope::One(_) = mysql.scope else {
        return Err(Unsupported {
            what: "a backup of several databases cannot be restored beside the originals: its SQL contains their names"
                .into(),
            help: "test it on another server; separate backups of each database, with `database`, can be tested here"
                .into(),
        });
    };
    let name = format!("{TEMPORARY}{run}");
    let is_it = sql::among("schema_name", [name.as_str()]);
    Ok(Scratch { removal: preflight::query(mysql, &dropped(&is_it)), location: RestoreTarget::Database(name) })
}

/// The run whose temporary database this is.
pub(super) fn run_of(database: &str) -> Option<&str> {
    database.strip_prefix(TEMPORARY)
}

/// Drops a temporary database that no session is in and no run holds, and says which.
pub(super) fn cleanup_stale(mysql: &Mysql) -> Step {
    let left = format!(
        "schema_name REGEXP '^{TEMPORARY}[0-9a-f]{{32}}$' AND IS_FREE_LOCK(CONCAT('bahub ', RIGHT(schema_name, 32))) \
         AND schema_name NOT IN (SELECT db FROM information_schema.processlist WHERE db IS NOT NULL)"
    );
    let told = "SELECT COALESCE(CONCAT('database ', @left_over), '');";
    preflight::query(mysql, &(dropped(&format!("(({left}) OR ({}))", swap::abandoned())) + told))
}

/// Drops the first temporary database that meets a condition, where the user sees one.
pub(super) fn dropped(condition: &str) -> String {
    format!(
        "SET @left_over = (SELECT MIN(schema_name) FROM information_schema.schemata WHERE {condition}); \
         SET @sweep = IF(@left_over IS NULL, 'DO 0', CONCAT('DROP DATABASE `', REPLACE(@left_over, '`', '``'), '`')); PREPARE sweep FROM @sweep; EXECUTE sweep; "
    )
}

//! The part of a version that defines what runs: a database's properties, views, routines, triggers and events.
//!
//! It is apart from the tables, because it is executed twice where a restore replaces a database: in the new database, to
//! prove that the server accepts all of it, and under the final name. Triggers and events are written from the server's
//! catalogue, because a dump program repeats a trigger's statement as it was written, with the database's name if the author
//! wrote it.

use bahub_core::adapter::Findings;
use bahub_core::step::Step;

use super::version::{self, Family};
use super::{Mysql, capture, preflight, sql};
use crate::list;

/// The prefix of a statement that only a copy needs: a comment for every other reader.
pub(super) const ONLY_IN_COPY: &str = "-- in a copy: ";
/// The line that an enabled event is created with, and what it is in a copy: events of a copy never run.
pub(super) const ENABLED: &str = "ENABLE -- of an event";
pub(super) const DISABLED: &str = "DISABLE -- of an event";

/// Runs of the dump program for the routines of this database, then for its views, which may use them.
pub(super) fn routines_and_views(mysql: &Mysql, found: &Findings, database: &str) -> Vec<Step> {
    let dump =
        || {
            capture::program(mysql, found)
                .args(["--no-data", "--skip-triggers", "--comments", "--no-tablespaces"])
                .args(["--single-transaction", "--skip-lock-tables", "--skip-add-locks"])
        };
    let views = ordered_views(found, database);
    // MySQL's program opens every view that is not left out, also where it writes none.
    let all = capture::named_pairs(found, preflight::VIEWS).into_iter().filter(|view| view.0 == database);
    let ignored = all.map(|(database, name)| format!("--ignore-table={database}.{name}"));
    let routines = dump().args(["--no-create-info", "--routines"]).args(ignored).arg("--").arg(database);
    let views = (!views.is_empty()).then(|| dump().arg("--").arg(database).args(views));
    [routines].into_iter().chain(views).collect()
}

/// The views of a database, each after those that it uses: the dump program creates them in the order of its arguments.
fn ordered_views(found: &Findings, database: &str) -> Vec<String> {
    let invalid = capture::named_pairs(found, preflight::INVALID);
    let views = capture::named_pairs(found, preflight::VIEWS).into_iter();
    let mut left: Vec<_> =
        views.filter(|view| view.0 == database && !invalid.contains(view)).map(|(_, name)| name).collect();
    let used = found.get(preflight::USED_VIEWS).and_then(list::parse).unwrap_or_default();
    let uses = |view: &String, other: &String| {
        used.chunks_exact(3).any(|edge| edge[0] == database && edge[1] == *view && edge[2] == *other)
    };
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) =
            left.iter().cloned().partition(|view| !left.iter().any(|other| uses(view, other)));
        // A definition may mention another view without using it.
        let (ready, waiting) = if ready.is_empty() { (waiting, ready) } else { (ready, waiting) };
        ordered.extend(ready);
        left = waiting;
    }
    ordered
}

/// A query for statements that give a database its properties, in it.
pub(super) fn properties(mysql: &Mysql, found: &Findings, database: &str) -> Step {
    // A dump of a database's tables does not contain what the database itself is.
    let more = match version::server(found) {
        Family::MariaDb => "IF(schema_comment = '', '', CONCAT(' COMMENT ', QUOTE(schema_comment)))",
        Family::MySql => "IF(default_encryption = 'YES', ' ENCRYPTION ''Y''', '')",
    };
    // The comment came with MariaDB 10.5.
    let more = if found.get(version::SERVER).is_some_and(has_no_comments) { "''" } else { more };
    let statement = format!(
        "SELECT CONCAT('SET NAMES utf8mb4;\\nALTER DATABASE CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name, {more}, ';') \
         FROM information_schema.schemata WHERE {} = {};",
        sql::exact("schema_name"),
        sql::text(database)
    );
    preflight::query(mysql, &statement)
}

fn has_no_comments(version: &str) -> bool {
    ["5.", "10.0.", "10.1.", "10.2.", "10.3.", "10.4."].iter().any(|release| version.starts_with(release))
        && version.contains("MariaDB")
}

/// A query for statements that create the triggers and events of this database, in it.
pub(super) fn triggers_and_events(mysql: &Mysql, found: &Findings, database: &str) -> Step {
    let of_database = |column: &str| format!("{} = {}", sql::exact(column), sql::text(database));
    let replica = match version::server(found) {
        Family::MariaDb => "DISABLE ON SLAVE",
        Family::MySql => "DISABLE ON REPLICA",
    };
    let trigger = [
        "'DROP TRIGGER IF EXISTS '".to_owned(),
        sql::quoted("t.trigger_name"),
        "';\\n'".into(),
        settings("t", "t.action_statement"),
        begin("t.action_statement"),
        format!("'CREATE DEFINER=', {}, ' TRIGGER '", sql::account("t.definer")),
        sql::quoted("t.trigger_name"),
        "' ', t.action_timing, ' ', t.event_manipulation, ' ON '".into(),
        sql::quoted("t.event_object_table"),
        "' FOR EACH ROW ', t.action_statement".into(),
        end("t.action_statement"),
        // A table with triggers cannot be moved to another database.
        format!("'{ONLY_IN_COPY}DROP TRIGGER IF EXISTS ', {}, ';\\n'", sql::quoted("t.trigger_name")),
        restored("t"),
    ]
    .join(", ");
    let schedule = "CASE e.event_type WHEN 'ONE TIME' THEN CONCAT(' AT ''', e.execute_at, '''') ELSE CONCAT(' EVERY ''', TRIM(BOTH '''' FROM e.interval_value), ''' ', e.interval_field, \
        IF(e.starts IS NULL, '', CONCAT(' STARTS ''', e.starts, '''')), IF(e.ends IS NULL, '', CONCAT(' ENDS ''', e.ends, ''''))) END";
    let event = [
        "'DROP EVENT IF EXISTS '".to_owned(),
        sql::quoted("e.event_name"),
        "';\\n'".into(),
        settings("e", "e.event_definition"),
        "'SET @bahub_time_zone = @@time_zone, time_zone = ''', e.time_zone, ''';\\n'".into(),
        begin("e.event_definition"),
        format!("'CREATE DEFINER=', {}, ' EVENT '", sql::account("e.definer")),
        sql::quoted("e.event_name"),
        format!("' ON SCHEDULE', {schedule}, ' ON COMPLETION ', e.on_completion, '\\n'"),
        format!(
            "CASE e.status WHEN 'ENABLED' THEN '{ENABLED}' WHEN 'DISABLED' THEN 'DISABLE' ELSE '{replica}' END, '\\n'"
        ),
        "IF(e.event_comment = '', '', CONCAT('COMMENT ', QUOTE(e.event_comment), '\\n')), 'DO ', e.event_definition"
            .into(),
        end("e.event_definition"),
        "'SET time_zone = @bahub_time_zone;\\n'".into(),
        restored("e"),
    ]
    .join(", ");
    // A quoted string is escaped with backslashes, whatever the server's mode is.
    let statements = format!(
        "SET SESSION sql_mode = ''; \
         SELECT CONCAT({trigger}) FROM information_schema.triggers AS t JOIN information_schema.schemata AS s ON s.schema_name = t.trigger_schema \
           WHERE {} ORDER BY t.event_object_table, t.event_manipulation, t.action_timing, t.action_order; \
         SELECT CONCAT({event}) FROM information_schema.events AS e JOIN information_schema.schemata AS s ON s.schema_name = e.event_schema \
           WHERE {} ORDER BY e.event_name;",
        of_database("t.trigger_schema"),
        of_database("e.event_schema")
    );
    preflight::query(mysql, &statements)
}

/// Expressions for the settings that a statement was created with. Its text is sent as it is read, in utf8mb4: the original
/// character set only fits where it makes no difference.
fn settings(of: &str, body: &str) -> String {
    format!(
        "IF({of}.database_collation = s.default_collation_name, '', CONCAT('ALTER DATABASE CHARACTER SET ', \
           SUBSTRING_INDEX({of}.database_collation, '_', 1), ' COLLATE ', {of}.database_collation, ';\\n')), \
         'SET sql_mode = ''', {of}.sql_mode, ''';\\nSET character_set_client = ', \
         IF(CONVERT(CONVERT({body} USING ascii) USING utf8mb4) = {body}, {of}.character_set_client, 'utf8mb4'), \
         ', collation_connection = ', {of}.collation_connection, ';\\n'"
    )
}

/// Expressions that undo what [`settings`] changed.
fn restored(of: &str) -> String {
    format!(
        "IF({of}.database_collation = s.default_collation_name, '', CONCAT('ALTER DATABASE CHARACTER SET ', \
           s.default_character_set_name, ' COLLATE ', s.default_collation_name, ';\\n')), 'SET NAMES utf8mb4;'"
    )
}

/// A delimiter that the statement does not contain, since it is made of it. Clients accept at most 15 characters.
fn delimiter(body: &str) -> String {
    format!("'$', LEFT(SHA2({body}, 256), 8), '$'")
}

fn begin(body: &str) -> String {
    format!("'DELIMITER ', {}, '\\n'", delimiter(body))
}

/// A line feed first: the body may end with a comment.
fn end(body: &str) -> String {
    format!("'\\n', {}, '\\nDELIMITER ;\\n'", delimiter(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_comes_after_those_that_it_uses() {
        let line = |texts: &[&str]| list::write(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let found = |used: &[&str]| {
            let views = line(&["d", "a", "d", "b", "d", "c", "e", "a", "d", "gone"]);
            Findings(
                [
                    (preflight::VIEWS, views),
                    (preflight::INVALID, line(&["d", "gone"])),
                    (preflight::USED_VIEWS, line(used)),
                ]
                .map(|(name, line)| (name.to_owned(), line))
                .into(),
            )
        };
        let used = ["d", "a", "b", "d", "b", "c", "e", "c", "a"];
        assert_eq!(ordered_views(&found(&used), "d"), ["c", "b", "a"]);
        assert_eq!(ordered_views(&found(&[]), "d"), ["a", "b", "c"]);
        let ring = ["d", "a", "b", "d", "b", "a"];
        assert_eq!(ordered_views(&found(&ring), "d"), ["c", "a", "b"]);
    }
}

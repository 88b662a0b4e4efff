//! The part of a version that defines what runs: a database's properties, views, routines, triggers and events.
//!
//! It is apart from the tables, because it is executed twice where a restore replaces a database: in the new database, to
//! prove that the server accepts all of it, and under the final name. Triggers and events are written from the server's
//! catalogue, because a dump program repeats a trigger's statement as it was written, with the database's name if the author
//! wrote it.

use std::collections::{BTreeMap, BTreeSet};

use bahub_core::adapter::Findings;
use bahub_core::replay::{Stored, Unsupported};
use bahub_core::step::Step;

use super::config::OnInvalidView;
use super::version::{self, Family};
use super::{Mysql, capture, columns, preflight, record, sql};

/// Lines that a restore finds what it changes by. They contain a word that was made for this version, so no text of the user's is one.
#[derive(Debug)]
pub(super) struct Marks {
    word: String,
}

impl Marks {
    pub(super) fn of(found: &Findings) -> Self {
        Self { word: found.get(preflight::MARKER).unwrap_or_default().to_owned() }
    }

    /// Those of a stored version.
    pub(super) fn stored(stored: &Stored) -> Self {
        Self { word: record::marker(stored).to_owned() }
    }

    /// The line before the statement that selects a database.
    pub(super) fn database(&self) -> String {
        format!("-- in database {}", self.word)
    }

    /// The prefix of a statement that only a copy needs: a comment for every other reader.
    pub(super) fn only_in_copy(&self) -> String {
        format!("-- in a copy {}: ", self.word)
    }

    /// The line that an enabled event is created with.
    pub(super) fn enabled(&self) -> String {
        format!("ENABLE -- of an event {}", self.word)
    }

    /// What it is in a copy, whose events never run.
    pub(super) fn disabled(&self) -> String {
        format!("DISABLE -- of an event {}", self.word)
    }
}

/// Database and name.
type Name = (String, String);

/// Names of the form `database.name`.
pub(super) fn named(objects: &[Name]) -> String {
    objects.iter().map(|(database, name)| format!("{database}.{name}")).collect::<Vec<_>>().join(", ")
}

/// The views of the backup.
#[derive(Debug)]
pub(super) struct Views {
    /// All that the server has.
    pub(super) all: Vec<Name>,
    /// Those that no longer work and are left out.
    pub(super) invalid: Vec<Name>,
    /// Those that are dumped.
    dumped: Vec<Name>,
    /// A view, and those that it uses.
    uses: BTreeMap<Name, Vec<Name>>,
}

impl Views {
    /// Refuses views that cannot be dumped, or not be restored.
    pub(super) fn of(mysql: &Mysql, found: &Findings) -> Result<Self, Unsupported> {
        let is_excluded = |(database, name): &Name| mysql.exclude_tables.iter().any(|table| table.is(database, name));
        let all = names(found, preflight::VIEWS)?;
        let mut invalid = names(found, preflight::INVALID)?;
        invalid.retain(|view| !is_excluded(view));
        if mysql.on_invalid_view == OnInvalidView::Fail && !invalid.is_empty() {
            return Err(Unsupported {
                what: format!("views that no longer work cannot be dumped: {}", named(&invalid)),
                help:
                    "repair or drop them: SHOW CREATE VIEW shows each; or set `on_invalid_view: skip` to leave them out"
                        .into(),
            });
        }
        let dumped: Vec<_> = all.iter().filter(|view| !is_excluded(view) && !invalid.contains(view)).cloned().collect();
        let over = preflight::listed(found, preflight::OVER_EXCLUDED)?;
        let over = over.chunks_exact(3).filter(|over| dumped.contains(&(over[0].clone(), over[1].clone())));
        let over: Vec<_> = over.map(|over| format!("{}.{} (over {})", over[0], over[1], over[2])).collect();
        if !over.is_empty() {
            return Err(Unsupported {
                what: format!(
                    "views cannot be restored without the tables that `exclude_tables` leaves out: {}",
                    over.join(", ")
                ),
                help: "add these views to `exclude_tables`, or back up the tables".into(),
            });
        }
        let mut uses: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for edge in preflight::listed(found, preflight::USED_VIEWS)?.chunks_exact(4) {
            let [user, used] = [0, 2].map(|at| (edge[at].clone(), edge[at + 1].clone()));
            uses.entry(user).or_default().push(used);
        }
        Ok(Self { all, invalid, dumped, uses })
    }

    /// Each view after those that it uses, in groups of one database: the dump program creates them in the order of its arguments.
    pub(super) fn in_order(&self) -> Vec<(String, Vec<String>)> {
        let mut left: BTreeSet<_> = self.dumped.iter().collect();
        let mut ordered: Vec<(String, Vec<String>)> = Vec::new();
        while !left.is_empty() {
            let waits =
                |view: &Name| self.uses.get(view).is_some_and(|used| used.iter().any(|used| left.contains(used)));
            let ready: Vec<_> = left.iter().copied().filter(|view| !waits(view)).collect();
            // A definition may mention another view without using it.
            let ready = if ready.is_empty() { left.iter().copied().collect() } else { ready };
            let current = ordered.last().map(|(database, _)| database.clone());
            let current = current.filter(|current| ready.iter().any(|(database, _)| database == current));
            let database = current.unwrap_or_else(|| ready[0].0.clone());
            let ready: Vec<_> = ready.into_iter().filter(|view| view.0 == database).collect();
            left.retain(|view| !ready.contains(view));
            let views = ready.iter().map(|(_, name)| name.clone());
            match ordered.last_mut() {
                Some((last, group)) if *last == database => group.extend(views),
                _ => ordered.push((database, views.collect())),
            }
        }
        ordered
    }
}

/// Database and name of the objects that a finding lists.
fn names(found: &Findings, finding: &str) -> Result<Vec<Name>, Unsupported> {
    let texts = preflight::listed(found, finding)?;
    let mut names: Vec<_> = texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    names.sort();
    Ok(names)
}

fn dump(mysql: &Mysql, found: &Findings) -> Step {
    capture::program(mysql, found).args(["--no-data", "--skip-triggers", "--comments", "--no-tablespaces"]).args([
        "--single-transaction",
        "--skip-lock-tables",
        "--skip-add-locks",
    ])
}

/// A run of the dump program for the routines of this database.
pub(super) fn routines(mysql: &Mysql, found: &Findings, database: &str, views: &Views) -> Step {
    // MySQL's program opens every view that is not left out, also where it writes none.
    let all = views.all.iter().filter(|view| view.0 == database);
    let ignored = all.map(|(database, name)| format!("--ignore-table={database}.{name}"));
    dump(mysql, found).args(["--no-create-info", "--routines"]).args(ignored).arg("--").arg(database)
}

/// A run of the dump program for these views of a database.
pub(super) fn views(mysql: &Mysql, found: &Findings, database: &str, views: &[String]) -> Step {
    dump(mysql, found).arg("--").arg(database).args(views)
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
    // A quoted string is escaped with backslashes, whatever the server's mode is.
    let statement = format!(
        "SET SESSION sql_mode = ''; SELECT CONCAT('SET NAMES utf8mb4;\\nSET SESSION sql_mode = '''';\\n\
           ALTER DATABASE CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name, {more}, ';') \
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

/// Programs that write the statements which create the triggers of this database, in it.
pub(super) fn triggers(mysql: &Mysql, found: &Findings, database: &str, marks: &Marks) -> Vec<Step> {
    let trigger = [
        "'DROP TRIGGER IF EXISTS '".to_owned(),
        sql::quoted("t.trigger_name"),
        "';\\n'".into(),
        settings("t", "t.action_statement"),
        begin("t.action_statement"),
        format!("'CREATE DEFINER=', {}, ' TRIGGER '", sql::account("t.definer")),
        sql::quoted("t.trigger_name"),
        format!("' ', t.action_timing, ' ', t.event_manipulation, {}, ' ON '", columns::of("t.trigger_name")),
        sql::quoted("t.event_object_table"),
        "' FOR EACH ROW ', t.action_statement".into(),
        end("t.action_statement"),
        // A table with triggers cannot be moved to another database.
        format!("'{}DROP TRIGGER IF EXISTS ', {}, ';\\n'", marks.only_in_copy(), sql::quoted("t.trigger_name")),
        restored("t"),
    ]
    .join(", ");
    let excluded = mysql.exclude_tables.iter().filter(|table| table.is(database, &table.name));
    let excluded: Vec<_> = excluded.map(|table| format!("LOWER({})", sql::text(&table.name))).collect();
    let triggers = format!(
        "information_schema.triggers AS t JOIN information_schema.schemata AS s ON s.schema_name = t.trigger_schema WHERE {} = {}{}",
        sql::exact("t.trigger_schema"),
        sql::text(database),
        match excluded.is_empty() {
            true => String::new(),
            false => format!(" AND LOWER({}) NOT IN ({})", sql::exact("t.event_object_table"), excluded.join(",")),
        }
    );
    let statements = format!(
        "SET SESSION sql_mode = ''; SELECT CONCAT({trigger}) FROM {triggers} \
         ORDER BY t.event_object_table, t.event_manipulation, t.action_timing, t.action_order;"
    );
    if version::has_trigger_columns(found) {
        return columns::asked(mysql, &triggers, &statements);
    }
    vec![preflight::query(mysql, &(columns::NONE.to_owned() + &statements))]
}

/// A query for the statements that create the events of this database, in it.
pub(super) fn events(mysql: &Mysql, found: &Findings, database: &str, marks: &Marks) -> Step {
    let replica = match version::server(found) {
        Family::MariaDb => "DISABLE ON SLAVE",
        Family::MySql => "DISABLE ON REPLICA",
    };
    let schedule = "CASE e.event_type WHEN 'ONE TIME' THEN CONCAT(' AT ''', e.execute_at, '''') ELSE CONCAT(' EVERY ''', TRIM(BOTH '''' FROM e.interval_value), ''' ', e.interval_field, \
        IF(e.starts IS NULL, '', CONCAT(' STARTS ''', e.starts, '''')), IF(e.ends IS NULL, '', CONCAT(' ENDS ''', e.ends, ''''))) END";
    // It is read in the event's mode, in which a backslash may be a backslash.
    let comment = "IF(FIND_IN_SET('NO_BACKSLASH_ESCAPES', e.sql_mode), CONCAT('''', REPLACE(e.event_comment, '''', ''''''), ''''), QUOTE(e.event_comment))";
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
            "CASE e.status WHEN 'ENABLED' THEN '{}' WHEN 'DISABLED' THEN 'DISABLE' ELSE '{replica}' END, '\\n'",
            marks.enabled()
        ),
        format!("IF(e.event_comment = '', '', CONCAT('COMMENT ', {comment}, '\\n')), 'DO ', e.event_definition"),
        end("e.event_definition"),
        "'SET time_zone = @bahub_time_zone;\\n'".into(),
        restored("e"),
    ]
    .join(", ");
    let statements = format!(
        "SET SESSION sql_mode = ''; \
         SELECT CONCAT({event}) FROM information_schema.events AS e JOIN information_schema.schemata AS s ON s.schema_name = e.event_schema \
           WHERE {} = {} ORDER BY e.event_name;",
        sql::exact("e.event_schema"),
        sql::text(database)
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
        let name = |text: &str| (text[..1].to_owned(), text[1..].to_owned());
        let ordered = |edges: &[(&str, &str)]| {
            let views = Views {
                all: Vec::new(),
                invalid: Vec::new(),
                dumped: ["da", "db", "dc", "ea"].map(name).into(),
                uses: edges.iter().map(|(user, used)| (name(user), vec![name(used)])).collect(),
            };
            let ordered =
                views.in_order().into_iter().map(|(database, views)| format!("{database}: {}", views.join(" ")));
            ordered.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(ordered(&[("da", "db"), ("db", "dc")]), "d: c b a, e: a");
        assert_eq!(ordered(&[]), "d: a b c, e: a");
        assert_eq!(ordered(&[("da", "db"), ("db", "da")]), "d: c, e: a, d: a b");
        assert_eq!(ordered(&[("da", "ea"), ("ea", "dc")]), "d: b c, e: a, d: a");
    }
}

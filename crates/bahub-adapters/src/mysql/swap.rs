//! New databases that take the names of the old ones once the server has accepted all of a version.
//!
//! Neither MySQL nor MariaDB can rename a database: its tables move to another one, and what runs is created again there. Until then
//! nothing of the old database was touched.

use bahub_core::replay::Effect;
use bahub_core::step::{ByteString, Stdin, Step};

use super::objects::Marks;
use super::sql::sed;
use super::{Mysql, preflight, sql};

/// The prefix of a new database's name, before the run's id and its number.
pub(super) const NEW: &str = "__bahub_new_";

/// A table that stands in a database while it is filled: only what has it is dropped where a restore fails.
const FILLED: &str = "__bahub_is_filled";
/// The same table's name while the database takes the place of an old one.
const MOVING: &str = "__bahub_is_moving";

/// A line that only MariaDB's recent client programs understand, as a comment: the lines keep their numbers.
pub(super) const SANDBOX: &str = "s/^\\/\\*M!999999\\\\- enable the sandbox mode \\*\\/ *$/--/";

/// How many statements move the tables of a database. Each moves as many as the server's largest packet has room for: 2000 bytes hold
/// the longest names.
const MOVES: usize = 20;

/// What the client is sent where the tables would not fit into these statements, and where some are left.
pub(super) const TOO_MANY: &str = "more tables than can be moved";
pub(super) const NOT_MOVED: &str = "restored tables were not moved";

/// The run's id in the names of databases.
pub(super) fn run_of(run: &str) -> String {
    let digits: String = run.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{:0>32.32}", digits.to_ascii_lowercase())
}

/// A database of a version, and where it is filled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Database {
    pub(super) name: String,
    /// The final name where there is no such database yet.
    pub(super) filled: String,
}

impl Database {
    pub(super) fn of(name: &str, present: &[String], ignores_case: bool, run: &str, index: usize) -> Self {
        let is_it = |other: &String| other == name || (ignores_case && other.to_lowercase() == name.to_lowercase());
        let is_there = present.iter().any(is_it);
        Self { name: name.to_owned(), filled: if is_there { format!("{NEW}{run}_{index}") } else { name.to_owned() } }
    }

    fn is_new(&self) -> bool {
        self.filled != self.name
    }
}

/// The restore of databases.
pub(super) struct Swap<'a> {
    pub(super) mysql: &'a Mysql,
    pub(super) databases: &'a [Database],
    pub(super) run: &'a str,
}

impl Swap<'_> {
    /// Creates the databases that are filled; fails if one of them is there.
    pub(super) fn created(&self) -> Step {
        let create = |database: &Database| {
            let name = sql::ident(&database.filled);
            format!("CREATE DATABASE {name}; CREATE TABLE {name}.{FILLED} (id INT PRIMARY KEY); ")
        };
        preflight::query(self.mysql, &self.databases.iter().map(create).collect::<String>())
    }

    /// [`held`] for this restore.
    pub(super) fn held(&self) -> Step {
        held(self.mysql, self.run)
    }

    /// Whether the restored databases have their names.
    pub(super) fn effect(&self) -> Effect {
        let any = |marker: &str| {
            let parts = self.databases.iter().map(|database| has_table(&database.filled, marker));
            parts.collect::<Vec<_>>().join(" OR ")
        };
        let question = format!(
            "SELECT CASE WHEN {} THEN 'moving' WHEN {} THEN '{}' ELSE '{}' END;",
            any(MOVING),
            any(FILLED),
            Effect::NO,
            Effect::YES
        );
        let pairs = self.databases.iter().filter(|database| database.is_new());
        let pairs: Vec<_> = pairs.map(|Database { name, filled }| format!("{filled} for {name}")).collect();
        Effect {
            question: preflight::query(self.mysql, &question),
            unclear: format!(
                "restore again: until that succeeds a database may be missing or incomplete, and its restored tables may be in a new \
                 database ({}), which must not be dropped before; drop it afterwards",
                pairs.join(", ")
            )
            .into(),
        }
    }

    /// Drops what was filled, except where it already takes an old database's place.
    pub(super) fn undone(&self) -> Step {
        let drop = |database: &Database| {
            format!(
                "SET @drop = (SELECT MIN(CONCAT('DROP DATABASE ', {})) FROM information_schema.schemata WHERE {} AND {}); \
                 SET @drop = COALESCE(@drop, 'DO 0'); PREPARE dropping FROM @drop; EXECUTE dropping; ",
                sql::quoted("schema_name"),
                sql::among("schema_name", [database.filled.as_str()]),
                has_table(&database.filled, FILLED)
            )
        };
        preflight::query(self.mysql, &self.databases.iter().map(drop).collect::<String>())
    }

    /// A script for sed that has a dump of several databases fill the new ones. A database that is not expected stops the client.
    pub(super) fn renamed(&self) -> Vec<String> {
        let renamed = self.databases.iter().flat_map(|database| {
            ["USE ", "CREATE DATABASE \\/\\*!32312 IF NOT EXISTS\\*\\/ "].map(|begin| renamed(begin, database))
        });
        let unexpected = ["USE `", "CREATE DATABASE "]
            .map(|begin| format!("/^{begin}/s/.*/a database that is not in the record of this version;/"));
        renamed.chain(unexpected).collect()
    }

    /// Filters for what runs: they hold it until the version is proven, have it created in the new databases, move these to the
    /// names of the old ones, and have it created there.
    pub(super) fn objects(&self, is_one: bool, marks: &Marks) -> Vec<Step> {
        let new: Vec<_> = self.databases.iter().filter(|database| database.is_new()).collect();
        let unmarked = self.databases.iter().filter(|database| !database.is_new());
        let unmarked = unmarked.map(|database| format!("DROP TABLE {}.{FILLED};", sql::ident(&database.filled)));
        if new.is_empty() {
            let end = unmarked.map(|statement| format!("$a\\\n{}", inserted(&statement)));
            return vec![at_the_end(sed([SANDBOX.to_owned()].into_iter().chain(end)))];
        }
        let moved = format!("-- bahub {}: moved", self.run);
        let in_one = new.first().filter(|_| is_one).map(|one| format!("USE {};", sql::ident(&one.name)));
        let between = [moved.clone(), prepared()].into_iter().chain(new.iter().map(|database| checked(database)));
        let between = between.chain(new.iter().map(|database| taken(database))).chain(in_one);
        let dropped = new
            .iter()
            .map(|database| format!("{} DROP DATABASE {};", all_moved(database), sql::ident(&database.filled)));
        let lines = |statement: String| format!("i\\\n{}", inserted(&statement));
        let twice = [SANDBOX.to_owned(), "H\n${\nx\ns/^\\n//\np".to_owned()]
            .into_iter()
            .chain(between.map(lines))
            .chain(["p".to_owned()])
            .chain(unmarked.chain(dropped).map(lines))
            .chain(["}".to_owned()]);
        // In the new databases, views over several are over these: what they are over may be what was lost.
        let first =
            format!("1,/^{moved}$/{{\ns/^{}//\ns/^{}$/{}/", marks.only_in_copy(), marks.enabled(), marks.disabled());
        let names = new.iter().filter(|_| !is_one).map(|database| renamed("USE ", database));
        let names = [format!("/^{}$/{{\nn", marks.database())].into_iter().chain(names).chain(["}".to_owned()]);
        let views = sql::views_renamed(new.iter().map(|database| (database.name.as_str(), database.filled.as_str())));
        let in_new = [first].into_iter().chain(names).chain(views).chain(["}".to_owned()]);
        vec![at_the_end(sed(twice).arg("-n")), sed(in_new)]
    }
}

/// A sed command that gives the database in a line another name. One with line feeds goes on in the next lines.
fn renamed(begin: &str, Database { name, filled }: &Database) -> String {
    let (old, new) = (sql::pattern(&sql::ident(name)), sql::replacement(&sql::ident(filled)));
    let (first, more) = match old.split_once("\\n") {
        Some((first, rest)) => (first, "N\n".repeat(1 + rest.matches("\\n").count())),
        None => (old.as_str(), String::new()),
    };
    format!("/^{begin}{first}/{{\n{more}s/^\\({begin}\\){old}/\\1{new}/\nt\n}}")
}

/// A filter that passes on what every client program understands, when the version is proven.
pub(super) fn without_sandbox() -> Step {
    at_the_end(sed([SANDBOX]))
}

/// The same without a proof.
pub(super) fn understood() -> Step {
    sed([SANDBOX])
}

/// A filter that passes on nothing before the version is proven, and what stands before it in the version is done.
pub(super) fn held_back() -> Step {
    at_the_end(sed(["H\n$!d\nx\ns/^\\n//"]))
}

/// A program that gets the end of its input when the version is proven.
fn at_the_end(step: Step) -> Step {
    step.stdin(Stdin::Backup { prefix: ByteString::from(""), suffix: ByteString::from("\n") })
}

/// Text for sed's `i`, in one line.
pub(super) fn inserted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\\n")
}

/// Whether a database has this table.
fn has_table(database: &str, table: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM information_schema.tables AS t WHERE {} AND t.table_name = '{table}')",
        sql::among("t.table_schema", [database])
    )
}

/// The tables of a new database that have to move.
fn to_move(new: &str) -> String {
    format!(
        "FROM information_schema.tables WHERE {} = {new} AND table_type <> 'VIEW' AND table_name NOT IN ('{FILLED}', '{MOVING}')",
        sql::exact("table_schema")
    )
}

/// A statement that ends the restore with a message unless this holds.
fn ensured(condition: &str, message: &str) -> String {
    format!("SET @check = IF({condition}, 'DO 0', '{message};'); PREPARE checked FROM @check; EXECUTE checked;")
}

/// Prepares the statement that writes the next statement which moves tables from `@new` to `@old`.
fn prepared() -> String {
    let name = |name: &str| sql::quoted(&sql::exact(name));
    let next = format!(
        "SET @move = (SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT({new}, '.', {table}, ' TO ', {old}, '.', {table} SEPARATOR ', ')) \
           FROM (SELECT table_name {} LIMIT @room) AS tables_to_move)",
        to_move("@new"),
        new = name("@new"),
        old = name("@old"),
        table = name("table_name"),
    );
    format!(
        "SET NAMES utf8mb4; SET SESSION group_concat_max_len = 1073741824, wait_timeout = 28800, sql_mode = ''; SET @room = GREATEST(@@max_allowed_packet DIV 2000, 1); \
         SET @next = REPLACE({}, '@room', @room); PREPARE next FROM @next;",
        sql::text(&next)
    )
}

fn named(database: &Database) -> String {
    format!("SET @new = {}, @old = {};", sql::text(&database.filled), sql::text(&database.name))
}

/// Statements that fail before anything is dropped if the tables of this database cannot be moved.
fn checked(database: &Database) -> String {
    format!(
        "{} SET @tables = (SELECT COUNT(*) {}); {} EXECUTE next; SET @move = IF(@tables = 0, 'DO 0', @move); {} PREPARE moving FROM @move;",
        named(database),
        to_move("@new"),
        ensured(&format!("@tables <= {MOVES} * @room"), TOO_MANY),
        ensured("@move IS NOT NULL", TOO_MANY)
    )
}

/// Statements that drop a database and move the new one's tables there. Foreign keys are checked by name: they refer to the
/// tables that take these names.
fn taken(database: &Database) -> String {
    let (old, new) = (sql::ident(&database.name), sql::ident(&database.filled));
    let moves =
        "EXECUTE next; SET @move = COALESCE(@move, 'DO 0'); PREPARE moving FROM @move; EXECUTE moving; ".repeat(MOVES);
    format!(
        "{} RENAME TABLE {new}.{FILLED} TO {new}.{MOVING}; SET foreign_key_checks = 0; DROP DATABASE IF EXISTS {old}; CREATE DATABASE {old}; \
         {moves}SET foreign_key_checks = 1; {}",
        named(database),
        all_moved(database)
    )
}

/// A statement that ends the restore where a table is left: nothing drops it then.
fn all_moved(database: &Database) -> String {
    let left = format!("(SELECT COUNT(*) {}) = 0", to_move(&sql::text(&database.filled)));
    ensured(&left, NOT_MOVED)
}

/// Holds a lock while a restore lives, by which its databases are known as not abandoned. A server notices that a client is gone when
/// it answers. MariaDB may limit the time of statements.
pub(super) fn held(mysql: &Mysql, run: &str) -> Step {
    let lock = format!("SET @limit = 0 /*M!100100 , SESSION max_statement_time = 0 */;\n{}\n", locked(run));
    preflight::query(mysql, &(lock + &"DO SLEEP(60);\n".repeat(2 * 24 * 60)))
}

/// The statement that takes this lock for the rest of the session.
pub(super) fn locked(run: &str) -> String {
    format!("DO GET_LOCK('bahub {run}', 10);")
}

/// What follows `FROM`: databases of the backup that a restore is filling, or has left half filled.
pub(super) fn incomplete(within: &str) -> String {
    format!("information_schema.tables WHERE table_name = '{FILLED}' AND {within}")
}

/// The same: databases whose tables did not all take the place of another one's.
pub(super) fn left() -> String {
    format!(
        "information_schema.tables WHERE table_name = '{MOVING}' AND table_schema REGEXP '^{NEW}[0-9a-f]{{32}}_[0-9]+$'"
    )
}

/// A condition on `schema_name`: a new database whose restore is no more, and had not begun to take an old one's place.
pub(super) fn abandoned() -> String {
    format!(
        "schema_name REGEXP '^{NEW}[0-9a-f]{{32}}_[0-9]+$' AND IS_FREE_LOCK(CONCAT('bahub ', SUBSTRING(schema_name, {}, 32))) \
         AND EXISTS (SELECT 1 FROM information_schema.tables AS t WHERE t.table_schema = schema_name AND t.table_name = '{FILLED}')",
        NEW.len() + 1
    )
}

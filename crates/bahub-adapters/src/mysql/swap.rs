//! New databases that take the names of the old ones once the server has accepted all of a version.
//!
//! Neither MySQL nor MariaDB can rename a database: its tables move to another one in a single statement, and what runs is
//! created again there. Until then nothing of the old database was touched.

use bahub_core::replay::Effect;
use bahub_core::step::{ByteString, Stdin, Step};

use super::objects::{DISABLED, ENABLED, ONLY_IN_COPY};
use super::sql::{Lines, sed};
use super::{Mysql, preflight, sql};

/// The prefix of a new database's name, before the run's id and its number.
pub(super) const NEW: &str = "__bahub_new_";

/// A table that stands in a database while it is filled: only what has it is dropped where a restore fails.
const FILLED: &str = "__bahub_is_filled";
/// The same table's name while the database takes the place of an old one.
const MOVING: &str = "__bahub_is_moving";

/// A line that only MariaDB's recent client programs understand.
const SANDBOX: &str = "/^\\/\\*M!999999\\\\- enable the sandbox mode \\*\\/ *$/d\n";

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
    pub(super) fn of(name: &str, present: &[String], run: &str, index: usize) -> Self {
        let is_there = present.iter().any(|other| other.to_lowercase() == name.to_lowercase());
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

    /// Holds a lock while the restore lives, by which its databases are known as not abandoned. A server notices that a client
    /// is gone when it answers.
    pub(super) fn held(&self) -> Step {
        let lock = format!("DO GET_LOCK('bahub {}', 10);\n", self.run);
        preflight::query(self.mysql, &(lock + &"DO SLEEP(60);\n".repeat(2 * 24 * 60)))
    }

    /// Whether the restored databases have their names.
    pub(super) fn effect(&self) -> Effect {
        let any = |marker: &str| {
            let parts = self.databases.iter().map(|database| has_table(&sql::text(&database.filled), marker));
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
                "restore again: until then a database may be missing or incomplete, and its restored tables may be in a new \
                 database ({}), which is no longer needed afterwards",
                pairs.join(", ")
            )
            .into(),
        }
    }

    /// Drops what was filled, except where it already takes an old database's place.
    pub(super) fn undone(&self) -> Step {
        let drop = |database: &Database| {
            let name = sql::text(&database.filled);
            format!(
                "SET @drop = (SELECT CONCAT('DROP DATABASE ', {}) FROM information_schema.schemata WHERE {} = {name} AND {}); \
                 SET @drop = COALESCE(@drop, 'DO 0'); PREPARE dropping FROM @drop; EXECUTE dropping; ",
                sql::quoted("schema_name"),
                sql::exact("schema_name"),
                has_table(&name, FILLED)
            )
        };
        preflight::query(self.mysql, &self.databases.iter().map(drop).collect::<String>())
    }

    /// A script for sed that has a dump of several databases fill the new ones. A database that is not expected stops the client.
    pub(super) fn renamed(&self) -> String {
        let mut script = String::new();
        for Database { name, filled } in self.databases {
            let old = sql::pattern(&sql::ident(name));
            let new = sql::replacement(&sql::ident(filled));
            // A name with line feeds goes on in the next lines.
            let (first, more) = match old.split_once("\\n") {
                Some((first, rest)) => (first, "N\n".repeat(1 + rest.matches("\\n").count())),
                None => (old.as_str(), String::new()),
            };
            for begin in ["USE ", "CREATE DATABASE \\/\\*!32312 IF NOT EXISTS\\*\\/ "] {
                script += &format!("/^{begin}{first}/{{\n{more}s/^\\({begin}\\){old}/\\1{new}/\nt\n}}\n");
            }
        }
        script += "/^USE `/s/.*/a database that is not in the record of this version;/\n\
                   /^CREATE DATABASE /s/.*/a database that is not in the record of this version;/\n";
        script
    }

    /// A filter for what runs: holds it until the version is proven, has it created in the new databases, moves these to the
    /// names of the old ones, and has it created there.
    pub(super) fn objects(&self, is_one: bool) -> Step {
        let new = || self.databases.iter().filter(|database| database.is_new());
        let unmarked = self.databases.iter().filter(|database| !database.is_new());
        let unmarked = unmarked
            .map(|database| format!("DROP TABLE {}.{FILLED}; ", sql::ident(&database.filled)))
            .collect::<String>();
        if new().next().is_none() {
            return at_the_end(sed(&format!("{SANDBOX}$a\\\n{}\n", inserted(&unmarked))));
        }
        let names: String = new()
            .filter(|_| !is_one)
            .map(|Database { name, filled }| {
                let old = sql::pattern(&sql::ident(name));
                format!("s/\\nUSE {old};\\n/\\nUSE {};\\n/g\n", sql::ident(filled))
            })
            .collect();
        // In the new databases, views over several are over these: what they are over may be what was lost.
        let views: String = new()
            .enumerate()
            .map(|(label, database)| sql::views_renamed(Lines::Whole, &database.name, &database.filled, label))
            .collect();
        let taken = new().map(taken).collect::<String>();
        let in_one = self.databases.first().filter(|_| is_one).map(|one| format!(" USE {};", sql::ident(&one.name)));
        let moved = format!(
            "SET SESSION group_concat_max_len = 67108864, wait_timeout = 28800, sql_mode = '';{taken}{}",
            in_one.unwrap_or_default()
        );
        let dropped =
            new().map(|database| format!("DROP DATABASE {}; ", sql::ident(&database.filled))).collect::<String>();
        let script = format!(
            "{SANDBOX}H\n${{\nx\nh\n{names}{views}s/\\n{ONLY_IN_COPY}/\\n/g\ns/\\n{ENABLED}\\n/\\n{DISABLED}\\n/g\np\n\
             i\\\n{}\ng\ns/^\\n//\np\ni\\\n{}\n}}\n",
            inserted(&moved),
            inserted(&(dropped + &unmarked))
        );
        at_the_end(sed(&script).arg("-n"))
    }
}

/// A filter that passes on what every client program understands.
pub(super) fn without_sandbox() -> Step {
    at_the_end(sed(SANDBOX))
}

/// A filter that passes on nothing before the version is proven, and what stands before it in the version is done.
pub(super) fn held_back() -> Step {
    at_the_end(sed("H\n$!d\nx\ns/^\\n//\n"))
}

/// A program that gets the end of its input when the version is proven.
fn at_the_end(step: Step) -> Step {
    step.stdin(Stdin::Backup { prefix: ByteString::from(""), suffix: ByteString::from("\n") })
}

/// Text for sed's `i`, in one line.
fn inserted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\\n")
}

/// Whether a database has this table.
fn has_table(database: &str, table: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM information_schema.tables AS t WHERE {} = {database} AND t.table_name = '{table}')",
        sql::exact("t.table_schema")
    )
}

/// Statements that drop a database and move the new one's tables there. Foreign keys are checked by name: they refer to the
/// tables that take these names.
fn taken(database: &Database) -> String {
    let (old, new) = (sql::ident(&database.name), sql::ident(&database.filled));
    let in_new = format!("{} = {}", sql::exact("table_schema"), sql::text(&database.filled));
    format!(
        " SET @move = (SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT({}, '.', {}, ' TO ', {}, '.', {} SEPARATOR ', ')) \
            FROM information_schema.tables WHERE {in_new} AND table_type <> 'VIEW' AND table_name <> '{FILLED}'); \
         RENAME TABLE {new}.{FILLED} TO {new}.{MOVING}; SET foreign_key_checks = 0; DROP DATABASE {old}; CREATE DATABASE {old}; \
         SET @move = COALESCE(@move, 'DO 0'); PREPARE moving FROM @move; EXECUTE moving; SET foreign_key_checks = 1;",
        sql::quoted("table_schema"),
        sql::quoted("table_name"),
        sql::quoted(&sql::text(&database.name)),
        sql::quoted("table_name"),
    )
}

/// A condition on `schema_name`: a new database whose restore is no more, and had not begun to take an old one's place.
pub(super) fn abandoned() -> String {
    format!(
        "schema_name REGEXP '^{NEW}[0-9a-f]{{32}}_[0-9]+$' AND IS_FREE_LOCK(CONCAT('bahub ', SUBSTRING(schema_name, {}, 32))) AND {}",
        NEW.len() + 1,
        has_table("CONVERT(schema_name USING utf8mb4)", FILLED)
    )
}

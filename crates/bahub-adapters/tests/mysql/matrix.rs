//! The same cases on every server, with its own client programs and with its neighbours'.

use std::fmt::Write as _;

use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind, RunOutcome, VerifyOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::{MariaDb, Release};
use serde_json::{Value, json};

use super::support::{Room, done, merge, spec};

const WORLD: &str = include_str!("world.sql");
const OF_MARIADB: &str = include_str!("world_mariadb.sql");
const OF_MARIADB_11: &str = "USE world; CREATE TRIGGER `of_columns` BEFORE UPDATE OF `name` ON `parent` FOR EACH ROW SET NEW.name = NEW.name; \
    create trigger world.`of many` after /* all */ update\n of\t`name` ,id on parent for each row insert into log (what) values ('it''s \\n');";
const OF_MYSQL: &str = include_str!("world_mysql.sql");

/// 16 MiB, and in a dump twice as much.
const LARGE_ROW: &str = "INSERT INTO world.big (id, v) VALUES (2, REPEAT(UNHEX('00FF27225C0A0D1A'), 2097152));";

/// The name of a drill's copy.
const COPY: &str = "__bahub_try_0123456789abcdef0123456789abcdef";

/// A server with the world, and a room with these client programs.
struct Case {
    server: MariaDb,
    room: Room,
}

fn server(release: Release) -> MariaDb {
    MariaDb::of(release, &["--max-allowed-packet=256M"])
}

impl Case {
    fn new(release: Release, client: Release, rows: &str) -> Self {
        let server = server(release);
        server.sql(WORLD);
        server.sql(if release == Release::MySql9 { OF_MYSQL } else { OF_MARIADB });
        if release == Release::MariaDb11 {
            server.sql(OF_MARIADB_11);
        }
        server.sql(rows);
        Self { server, room: Room::with_client(client) }
    }

    /// What no dump shows: the history of a system-versioned table, and the columns of triggers.
    fn history(&self) -> String {
        if self.server.release() == Release::MySql9 {
            return String::new();
        }
        let triggers = match self.server.release() {
            Release::MariaDb11 => "SHOW CREATE TRIGGER world.of_columns; SHOW CREATE TRIGGER world.`of many`;",
            _ => "",
        };
        let triggers = self.server.sql(triggers);
        // The dates of their creation come last, and the second was not written as the catalogue has it.
        let triggers = triggers.lines().map(|line| {
            line[..line.rfind('\t').unwrap()].replace("after /* all */ update\\n of\\t", "AFTER UPDATE OF ")
        });
        let triggers = triggers.map(|line| match line.split_once("AFTER UPDATE OF ") {
            Some((_, columns)) => columns[..11].to_owned(),
            None => line,
        });
        let triggers = triggers.collect::<String>();
        self.server.sql("SELECT id, v, row_start, IF(row_end > '2038-01-01', 'now', row_end) FROM world.versioned FOR SYSTEM_TIME ALL ORDER BY v;") + &triggers
    }

    fn world(&self) -> Value {
        spec(&self.server, json!({ "database": "world" }))
    }

    async fn look(&self, mode: RestoreMode) -> RunOutcome {
        self.room.engine.restore(&self.room.plan(self.world()), &RestoreOptions::default().mode(mode)).await
    }

    async fn restore(&self, target: ReplayTarget) -> RunOutcome {
        self.room.engine.restore(&self.room.plan(self.world()), &RestoreOptions::default().to(target)).await
    }

    /// Loses a table, changes another, and adds what was not in the backup.
    fn damage(&self) {
        self.server.sql(
            "SET foreign_key_checks = 0; DROP TABLE world.parent; DELETE FROM world.big; DROP PROCEDURE world.bound; \
             CREATE TABLE world.newer (id INT); CREATE PROCEDURE world.newer() SELECT 1;",
        );
    }

    /// What of a copy refers to the original.
    fn bound(&self, copy: &str) -> String {
        let parts = [
            (
                "views",
                "table_schema",
                "table_name",
                // One has a table that is called like the database.
                "table_name <> 'alias' AND view_definition REGEXP '(from|join) [(]*`world`[.]|`world`[.]`[^`]*`[.(]'",
            ),
            ("triggers", "trigger_schema", "trigger_name", "action_statement LIKE '%world.%'"),
            ("routines", "routine_schema", "routine_name", "routine_name LIKE 'bound%'"),
            ("events", "event_schema", "event_name", "event_definition LIKE '%world.%' OR status = 'ENABLED'"),
            ("columns", "table_schema", "column_name", "column_default LIKE '%`world`.%'"),
            ("key_column_usage", "table_schema", "table_name", "referenced_table_schema = 'world'"),
        ];
        let parts = parts.map(|(table, schema, name, condition)| {
            format!("SELECT {name} FROM information_schema.{table} WHERE {schema} = '{copy}' AND ({condition});")
        });
        self.server.sql(&parts.concat())
    }
}

#[track_caller]
fn same(before: &str, after: &str) {
    let differing = before.lines().zip(after.lines()).find(|(one, other)| one != other);
    let differing = differing.map(|(one, other)| format!("{:.300}\n{:.300}", one, other));
    assert!(before == after, "{}", differing.unwrap_or_else(|| "one goes on".to_owned()));
}

/// Make, verify by a drill, a copy, each kind of restore, and all databases on a fresh server.
async fn goes_round(release: Release, client: Release, rows: &str) {
    let case = Case::new(release, client, rows);
    let content = || case.server.dump(&["world", "other"]) + &case.history();
    let before = content();
    let untouched = || same(&before, &content());
    let made = case.room.backup(case.world()).await;
    done(&made);

    let plan = case.room.plan(case.world());
    done(&case.room.engine.engine().verify(&plan, &VerifyOptions::default()).await);
    let drill = case.look(RestoreMode::DrillOnly).await;
    done(&drill);
    let counts = drill.report.drill.as_ref().unwrap();
    assert!(counts.compared && counts.things > 10, "{counts:?}");
    untouched();

    let copied = case.restore(ReplayTarget::at(RestoreTarget::Database(COPY.into()))).await;
    done(&copied);
    assert_eq!(case.bound(COPY), "");
    untouched();
    let warnings = copied.report.warnings.join("\n");
    let left_out = "name the original database: procedure bound, procedure bound_in_quotes, procedure bound_with_a_comment, \
                    procedure bound_without_a_space, trigger bound";
    assert!(warnings.contains(left_out) && warnings.contains("each_day"), "{warnings}");
    let copy = |statements: &str| case.server.sql(&format!("USE {COPY}; {statements}"));
    assert_eq!(
        copy("SELECT COUNT(*) FROM across; SELECT y, u FROM namesake; SELECT t FROM alias;").trim(),
        "2\n2026\tabc\none\ntwo"
    );
    copy("DELETE FROM a_child; DELETE FROM parent; INSERT INTO parent (name) VALUES ('three');");
    assert_eq!(
        copy("SELECT COUNT(*) FROM over_across; SELECT COUNT(*) FROM alias;").trim(),
        "0\n0",
        "they read the copy"
    );
    if release != Release::MySql9 {
        copy("INSERT INTO calculated (v) VALUES (2); SELECT * FROM last_number;");
    }
    untouched();
    case.server.sql(&format!("DROP DATABASE {COPY};"));

    case.damage();
    done(&case.restore(ReplayTarget::default()).await);
    untouched();
    case.damage();
    done(&case.look(RestoreMode::ScratchFirst).await);
    untouched();
    case.damage();
    done(&case.restore(ReplayTarget { in_place: true, ..ReplayTarget::default() }).await);
    untouched();
    assert_eq!(case.server.sql("SHOW DATABASES LIKE '%bahub%';"), "");

    let all = spec(&case.server, json!({}));
    done(&case.room.backup(all.clone()).await);
    let fresh = server(release);
    let to_fresh = {
        let mut to = all.clone();
        merge(&mut to, json!({ "port": fresh.port() }));
        to
    };
    for _ in 0..2 {
        done(&case.room.restore(to_fresh.clone(), RestoreTarget::Original).await);
        assert!(before.starts_with(&fresh.dump(&["world", "other"])), "the fresh server has the same");
    }
    case.damage();
    case.server.sql("SET foreign_key_checks = 0; DROP DATABASE other;");
    done(&case.room.restore(all, RestoreTarget::Original).await);
    untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_goes_round_on_mariadb_11() {
    if Release::MariaDb11.is_there() {
        goes_round(Release::MariaDb11, Release::MariaDb11, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_goes_round_on_mysql_9() {
    if Release::MySql9.is_there() {
        goes_round(Release::MySql9, Release::MySql9, "").await;
    }
}

/// Client programs of another family are refused before a backup.
async fn is_refused(release: Release, client: Release) {
    let (server, room) = (server(release), Room::with_client(client));
    server.sql("CREATE DATABASE d; CREATE USER visitor@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO visitor@'%';");
    let made = room.backup(spec(&server, json!({ "database": "d", "user": "visitor", "password": "pw" }))).await;
    assert_eq!(made.error.as_ref().unwrap().kind(), RunErrorKind::Preflight);
}

/// `cargo test --workspace --all-features --test mysql -- --ignored --nocapture matrix`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "some minutes: every server with every client"]
async fn matrix() {
    let all = [Release::System, Release::MariaDb11, Release::MySql9];
    let there: Vec<_> = all.into_iter().filter(|release| release.is_there()).collect();
    let (mut table, mut failed) =
        (String::from("| server | client | result | seconds |\n|---|---|---|---|\n"), Vec::new());
    for release in &there {
        for client in &there {
            let (release, client) = (*release, *client);
            let began = std::time::Instant::now();
            let is_mysql = |release| release == Release::MySql9;
            let (run, good) = if is_mysql(release) == is_mysql(client) {
                let run = tokio::spawn(goes_round(release, client, LARGE_ROW));
                (
                    run,
                    "make, verify, drill, into, restore, scratch, in place, all databases twice on a fresh server: same dumps",
                )
            } else {
                (tokio::spawn(is_refused(release, client)), "refused, exit 8")
            };
            let result = match run.await {
                Ok(()) => good,
                Err(_) => {
                    failed.push((release, client));
                    "FAILED"
                }
            };
            let seconds = began.elapsed().as_secs();
            let _ = writeln!(table, "| {} | {} | {result} | {seconds} |", release.name(), client.name());
        }
    }
    println!("{table}");
    assert!(failed.is_empty(), "{failed:?}");
}

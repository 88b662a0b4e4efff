//! Restores under another name, of the original's dumps, and as of one moment.

use std::sync::atomic::{AtomicBool, Ordering};

use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::MariaDb;
use serde_json::json;

use super::support::{Room, SHARED, done, failure_text, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_comes_back_under_another_name_and_none_is_overwritten() {
    let room = Room::new();
    SHARED.sql(
        "CREATE DATABASE original; USE original; CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (2); \
         CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1;",
    );
    let one = json!({ "database": "original" });
    done(&room.backup(spec(&SHARED, one.clone())).await);
    SHARED.sql("INSERT INTO original.t VALUES (3);");
    let name = "look `first` \"$(x)\"";
    done(&room.restore(spec(&SHARED, one.clone()), RestoreTarget::Database(name.into())).await);
    let quoted = "`look ``first`` \"$(x)\"`";
    assert_eq!(SHARED.sql(&format!("SELECT COUNT(*) FROM {quoted}.v;")).trim(), "2");
    assert_eq!(SHARED.sql("SELECT COUNT(*) FROM original.v;").trim(), "3", "the original was not touched");
    let again = room.restore(spec(&SHARED, one), RestoreTarget::Database(name.into())).await;
    assert!(failure_text(&again).contains("already exists"), "{}", failure_text(&again));
    assert_eq!(SHARED.sql(&format!("SELECT COUNT(*) FROM {quoted}.t;")).trim(), "2", "it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_databases_cannot_go_into_one() {
    let room = Room::new();
    SHARED.sql("CREATE DATABASE several_a; CREATE DATABASE several_b;");
    let several = json!({ "databases": ["several_a", "several_b"] });
    done(&room.backup(spec(&SHARED, several.clone())).await);
    let into = ReplayTarget::at(RestoreTarget::Database("x".into()));
    let one = ReplayTarget { members: vec!["several_a".into()], ..into.clone() };
    let kept = ReplayTarget { keep_old: true, ..ReplayTarget::default() };
    for (target, cannot) in
        [(into, "restore under another name"), (one, "restore under another name"), (kept, "restore elsewhere")]
    {
        let options = RestoreOptions::default().to(target);
        let ended = room.engine.restore(&room.plan(spec(&SHARED, several.clone())), &options).await;
        assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Unsupported, "{}", failure_text(&ended));
        assert!(
            failure_text(&ended).contains("another server") && !failure_text(&ended).contains(cannot),
            "{}",
            failure_text(&ended)
        );
    }
}

/// Two accounts whose sum never changes, written to all the time.
#[test]
fn a_backup_under_writers_is_of_one_moment() {
    let room = Room::new();
    SHARED.sql(
        "CREATE DATABASE bank; USE bank; CREATE TABLE a (id INT PRIMARY KEY, v BIGINT); CREATE TABLE filler (id INT PRIMARY KEY, t TEXT); \
         CREATE TABLE z (id INT PRIMARY KEY, v BIGINT); INSERT INTO a VALUES (1, 1000000); INSERT INTO z VALUES (1, 0); \
         INSERT INTO filler SELECT seq, REPEAT(MD5(seq), 4) FROM seq_1_to_200000;",
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stop, rounds) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
    let backup = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let transfer =
                        "START TRANSACTION; UPDATE a SET v = v - 1; UPDATE z SET v = v + 1; COMMIT;".repeat(50);
                    SHARED.sql(&format!("USE bank; {transfer}"));
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while rounds.load(Ordering::Relaxed) < 3 {
            std::thread::yield_now();
        }
        let before = rounds.load(Ordering::Relaxed);
        let backup = runtime.block_on(room.backup(spec(&SHARED, json!({ "database": "bank" }))));
        let during = rounds.load(Ordering::Relaxed) - before;
        stop.store(true, Ordering::Relaxed);
        assert!(during > 0, "nothing wrote during the dump");
        backup
    });
    done(&backup);
    let restore =
        room.restore(spec(&SHARED, json!({ "database": "bank" })), RestoreTarget::Database("bank_then".into()));
    done(&runtime.block_on(restore));
    assert_eq!(SHARED.sql("SELECT a.v + z.v FROM bank_then.a AS a, bank_then.z AS z;").trim(), "1000000");
    assert_ne!(SHARED.sql("SELECT v FROM bank_then.z;").trim(), "0");
}

/// What the original product stored: a plain dump, compressed by gzip.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_original_comes_back_and_a_cut_one_is_refused_before_anything_is_touched() {
    SHARED.sql("CREATE DATABASE legacy; USE legacy; CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (2), (3); \
        create trigger plain before insert\n on t for each\nrow set new.id = new.id; CREATE PROCEDURE reading() SELECT * FROM legacy.t; \
        CREATE EVENT runs ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' COMMENT ' PRESERVE DISABLE ' DO SET @x = 1; \
        CREATE EVENT changes ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM legacy.t;");
    let dumped = || {
        SHARED
            .command("mariadb-dump")
            .args(["--skip-lock-tables", "--routines", "--events", "legacy"])
            .output()
            .unwrap()
            .stdout
    };
    let dump = dumped();
    assert!(dump.starts_with(b"/*M!999999"), "it has a line that older client programs refuse");
    let text = String::from_utf8(dump).unwrap();
    let cut = text[..text.find("-- Dump completed").unwrap()].to_owned();
    let live = json!({ "database": "legacy" });
    a_legacy_copy_is_isolated(&text, live.clone()).await;
    SHARED
        .sql("USE legacy; create trigger legacy.qualified before update on legacy.t for each row set new.id = new.id;");
    let room = Room::new();
    room.sink.put(room.engine.by_the_original(&dumped()));
    let ended = room.restore(spec(&SHARED, live.clone()), RestoreTarget::Database("legacy_copy".into())).await;
    assert!(failure_text(&ended).contains("a trigger of this dump names its database"), "{}", failure_text(&ended));
    for (content, whole) in [(text, true), (cut, false)] {
        let room = Room::new();
        room.sink.put(room.engine.by_the_original(content.as_bytes()));
        SHARED.sql("USE legacy; DELETE FROM t; INSERT INTO t VALUES (9);");
        let ended = room.restore(spec(&SHARED, live.clone()), RestoreTarget::Original).await;
        if whole {
            done(&ended);
            assert_eq!(SHARED.sql("SELECT SUM(id) FROM legacy.t;").trim(), "6");
        } else {
            assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Integrity, "{}", failure_text(&ended));
            assert!(failure_text(&ended).contains("Dump completed"), "{}", failure_text(&ended));
            assert_eq!(SHARED.sql("SELECT SUM(id) FROM legacy.t;").trim(), "9", "nothing was touched");
        }
    }
}

/// An older client program, for which the dump's first line is an error.
fn older_client() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("mariadb");
    std::fs::write(&program, "#!/bin/sh\nsed 's/^.*M!999999.*$/UNKNOWN COMMAND;/' | exec /usr/bin/mariadb \"$@\"\n")
        .unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// Nothing in a copy of another program's dump runs, or reads the original; nor does an older client program stop.
async fn a_legacy_copy_is_isolated(dump: &str, live: serde_json::Value) {
    let (room, older) = (Room::new(), older_client());
    room.sink.put(room.engine.by_the_original(dump.as_bytes()));
    let client = bahub_testkit::fakes::WithPrograms::new(super::support::adapter(spec(&SHARED, live)), older.path());
    let plan = room.engine.plan(std::sync::Arc::new(client), std::sync::Arc::new(room.sink.clone()));
    let copy = ReplayTarget::at(RestoreTarget::Database("legacy_copy".into()));
    let ended = room.engine.restore(&plan, &RestoreOptions::default().to(copy)).await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    assert!(
        warnings.contains("event changes, procedure reading") && warnings.contains("in the copy: runs"),
        "{warnings}"
    );
    let left = "SELECT event_name, status FROM information_schema.events WHERE event_schema = 'legacy_copy'; \
        SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'legacy_copy'; \
        SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'legacy_copy'; DROP DATABASE legacy_copy;";
    assert_eq!(SHARED.sql(left).trim(), "runs\tDISABLED\nplain");
    done(&room.engine.restore(&plan, &RestoreOptions::default()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_refused_stops_the_restore_and_its_line_is_named() {
    let room = Room::new();
    SHARED.sql("CREATE DATABASE broken;");
    let script = "SELECT 1;\nSELECT 2;\nNONSENSE;\n-- Dump completed\n";
    room.sink.put(room.engine.by_the_original(script.as_bytes()));
    let ended =
        room.restore(spec(&SHARED, json!({ "database": "broken" })), RestoreTarget::Database("half".into())).await;
    assert!(SHARED.sql("SHOW DATABASES LIKE 'half';").is_empty(), "what the restore made is gone again");
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", failure_text(&ended));
    assert!(
        failure_text(&ended).contains("at line 3") && !failure_text(&ended).contains("incomplete"),
        "{}",
        failure_text(&ended)
    );
    let ended = room.restore(spec(&SHARED, json!({ "database": "broken" })), RestoreTarget::Original).await;
    assert!(
        failure_text(&ended).contains("at line 3") && failure_text(&ended).contains("now incomplete"),
        "{}",
        failure_text(&ended)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_counts_what_came_back_and_leaves_nothing() {
    // A drill's database is swept by any run on the server, once no session is in it.
    let server = MariaDb::start();
    server.sql("SET GLOBAL event_scheduler = ON; CREATE DATABASE drilled; USE drilled; CREATE TABLE ticks (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=Aria; \
        CREATE EVENT tick ON SCHEDULE EVERY 1 HOUR STARTS '2030-01-01 00:00:00' DO INSERT INTO ticks VALUES ();");
    server.sql("USE drilled; CREATE TABLE `a``\n\\b` (v INT); INSERT INTO `a``\n\\b` SELECT seq FROM seq_1_to_1000; CREATE TABLE t (v INT) ENGINE=Aria; INSERT INTO t VALUES (1); CREATE VIEW w AS SELECT * FROM t; CREATE SEQUENCE s;");
    let room = Room::new();
    let database = spec(&server, json!({ "database": "drilled" }));
    done(&room.backup(database.clone()).await);
    let look = |look| RestoreOptions::default().mode(look);
    let ended = room.engine.restore(&room.plan(database.clone()), &look(RestoreMode::DrillOnly)).await;
    done(&ended);
    let drill = ended.report.drill.unwrap();
    assert_eq!((drill.things, drill.count, drill.compared), (3, 1001, true));
    assert!(
        ended.report.warnings.iter().any(|warning| warning.ends_with("in the copy: tick")),
        "{:?}",
        ended.report.warnings
    );
    let left = || server.sql("SHOW DATABASES LIKE '\\_\\_bahub%'");
    assert_eq!(left(), "");
    server.sql("INSERT INTO drilled.t VALUES (2)");
    let ended = room.engine.restore(&room.plan(database.clone()), &look(RestoreMode::ScratchFirst)).await;
    done(&ended);
    assert_eq!((server.sql("SELECT COUNT(*) FROM drilled.t").trim(), left().as_str()), ("1", ""));
    // The database of a killed drill is swept by the next run.
    let dead = format!("__bahub_try_{}", "0123456789abcdef".repeat(2));
    server.sql(&format!("CREATE DATABASE `{dead}`; CREATE TABLE `{dead}`.t (v INT)"));
    let ended = room.backup(database.clone()).await;
    done(&ended);
    assert_eq!(ended.report.recovered[0].what, format!("database {dead}"));
    assert_eq!(left(), "");
    small_packets(&server, &room, database).await;
    let several = spec(&server, json!({ "databases": ["drilled"] }));
    done(&room.backup(several.clone()).await);
    let ended = room.engine.restore(&room.plan(several), &look(RestoreMode::DrillOnly)).await;
    assert!(
        failure_text(&ended).contains("several databases") && !failure_text(&ended).contains("restore elsewhere"),
        "{}",
        failure_text(&ended)
    );
}

/// A server that takes small statements only: tables move in several, and what does not fit is found before anything is dropped.
async fn small_packets(server: &MariaDb, room: &Room, database: serde_json::Value) {
    let more: String = (0..20).map(|number| format!("CREATE TABLE more_{number} (v INT);")).collect();
    let keys = "CREATE TABLE zz (id INT PRIMARY KEY); CREATE TABLE aa (id INT, FOREIGN KEY (id) REFERENCES zz (id)); INSERT INTO zz VALUES (1); INSERT INTO aa VALUES (1);";
    server.sql(&format!("USE drilled; {keys} {more}"));
    done(&room.backup(database.clone()).await);
    let before = server.dump(&["drilled"]);
    server.sql("SET GLOBAL max_allowed_packet = 8192; DELETE FROM drilled.t;");
    done(&room.restore(database.clone(), RestoreTarget::Original).await);
    server.sql("SET GLOBAL max_allowed_packet = 16777216;");
    assert!(server.dump(&["drilled"]) == before, "tables that moved by several statements");
    let more: String = (20..80).map(|number| format!("CREATE TABLE more_{number} (v INT);")).collect();
    server.sql(&format!("USE drilled; {more}"));
    done(&room.backup(database.clone()).await);
    server.sql("USE drilled; CREATE TABLE later (t TEXT); INSERT INTO later VALUES (REPEAT('x', 20000)); SET GLOBAL max_allowed_packet = 8192;");
    let ended = room.restore(database.clone(), RestoreTarget::Original).await;
    let text = failure_text(&ended);
    assert!(text.contains("cannot be moved") && text.contains("are as they were"), "{text}");
    server.sql("SELECT v FROM drilled.more_79;");
    server.sql("SET GLOBAL max_allowed_packet = 16777216;");
    done(&room.backup(database.clone()).await);
    server.sql("SET GLOBAL max_allowed_packet = 8192;");
    let ended = room.restore(database, RestoreTarget::Original).await;
    // It may close the connection before the client has read why.
    assert!(failure_text(&ended).contains("`max_allowed_packet`"), "{}", failure_text(&ended));
    server.sql("SET GLOBAL max_allowed_packet = 16777216;");
    assert_eq!(server.sql("SELECT LENGTH(t) FROM drilled.later; SHOW DATABASES LIKE '%bahub%';").trim(), "20000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_other_databases_is_refused_before_anything_is_dropped() {
    SHARED.sql("CREATE DATABASE first_of_two; CREATE DATABASE second_of_two; CREATE TABLE second_of_two.t (v INT)");
    let room = Room::new();
    let both = json!({ "databases": ["first_of_two", "second_of_two"] });
    done(&room.backup(spec(&SHARED, both)).await);
    for (narrower, words) in [
        (json!({ "database": "first_of_two" }), "several databases"),
        (json!({ "databases": ["first_of_two"] }), "would drop and recreate \"second_of_two\""),
    ] {
        let ended = room.restore(spec(&SHARED, narrower), RestoreTarget::Original).await;
        assert!(failure_text(&ended).contains(words), "{}", failure_text(&ended));
    }
    done(&room.backup(spec(&SHARED, json!({ "database": "first_of_two" }))).await);
    let ended = room.restore(spec(&SHARED, json!({ "databases": ["first_of_two"] })), RestoreTarget::Original).await;
    assert!(failure_text(&ended).contains("contains one database"), "{}", failure_text(&ended));
    let ended = room.restore(spec(&SHARED, json!({ "database": "second_of_two" })), RestoreTarget::Original).await;
    assert!(failure_text(&ended).contains("is a backup of \"first_of_two\""), "{}", failure_text(&ended));
    SHARED.sql("SELECT * FROM second_of_two.t");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_restoring_account_keeps_its_password_and_grants_on_dropped_tables_stop_nothing() {
    let server = MariaDb::start();
    let user = "re.st`o'r\\e*r/";
    let quoted = user.replace('\\', "\\\\").replace('\'', "\\'");
    server.sql(&format!(
        "CREATE DATABASE kept; CREATE TABLE kept.t (v INT); GRANT ALL ON *.* TO '{quoted}'@'%' IDENTIFIED BY 'old' WITH GRANT OPTION; \
         CREATE USER other@'%' IDENTIFIED BY 'theirs'; GRANT SELECT ON kept.* TO other@'%'; \
         CREATE DATABASE gone; CREATE TABLE gone.`t.\\n\n*` (v INT, w INT); GRANT SELECT (w), INSERT ON gone.`t.\\n\n*` TO other@'%'; DROP DATABASE gone; \
         CREATE DATABASE elsewhere; CREATE TABLE elsewhere.t (v INT); GRANT SELECT ON elsewhere.t TO other@'%'; GRANT INSERT ON kept.t TO other@'%';"
    ));
    let room = Room::new();
    let made = room.backup(spec(&server, json!({ "exclude_databases": ["elsewhere"] }))).await;
    done(&made);
    let warnings = made.report.warnings.join(" ");
    assert!(warnings.contains("left out: `elsewhere`.`t`, `gone`.`t."), "{warnings}");
    server.sql("DROP DATABASE elsewhere;");
    server.sql(&format!("SET PASSWORD FOR '{quoted}'@'%' = PASSWORD('new'); DROP USER other@'%'; DROP TABLE kept.t;"));
    let restorer = spec(&server, json!({ "user": user, "password": "new" }));
    done(&room.restore(restorer.clone(), RestoreTarget::Original).await);
    server.sql("SELECT * FROM kept.t;");
    let grants = server.sql("SHOW GRANTS FOR other@'%';");
    assert!(
        grants.contains("GRANT INSERT ON `kept`.`t`") && !grants.contains("elsewhere") && !grants.contains("gone"),
        "{grants}"
    );
    done(&room.restore(restorer, RestoreTarget::Original).await);
    // The spec decides whether users are restored.
    server.sql("DROP USER other@'%';");
    done(&room.restore(spec(&server, json!({ "users": false })), RestoreTarget::Original).await);
    assert_eq!(server.sql("SELECT COUNT(*) FROM mysql.user WHERE user = 'other';").trim(), "0");
}

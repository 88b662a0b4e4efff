//! What is refused or said before anything is lost: client programs of another family, servers that lack something, objects
//! that no dump or restore survives.

use bahub_core::engine::{RunErrorKind, RunOutcome};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::{MariaDb, Release};
use serde_json::{Value, json};

use super::support::{Room, SHARED, done, failure_text, spec};

#[track_caller]
fn refused(ended: &RunOutcome, kind: RunErrorKind, words: &[&str]) {
    let message = failure_text(ended);
    assert_eq!(ended.error.as_ref().unwrap().kind(), kind, "{message}");
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}

/// Each server with a database `d` of one table, which has one row.
fn each_server() -> Vec<MariaDb> {
    let releases =
        [Release::System, Release::MariaDb11, Release::MySql9].into_iter().filter(|release| release.is_there());
    let servers = releases.map(|release| MariaDb::of(release, &[]));
    let servers: Vec<_> = servers.collect();
    for server in &servers {
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1);");
    }
    servers
}

fn d() -> Value {
    json!({ "database": "d" })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_is_handled_as_it_is() {
    for server in &each_server() {
        let room = Room::with_client(server.release());
        invalid_views(server, &room).await;
        referenced_tables(server, &room).await;
        rejected_objects(server, &room).await;
        another_family(server).await;
    }
}

/// A view whose table is gone stops a backup with its name, or is left out.
async fn invalid_views(server: &MariaDb, room: &Room) {
    server.sql("USE d; CREATE TABLE gone (id INT); CREATE VIEW broken AS SELECT * FROM gone; CREATE VIEW fine AS SELECT * FROM t; DROP TABLE gone;");
    let failed = room.backup(spec(server, d())).await;
    refused(&failed, RunErrorKind::Preflight, &["d.broken", "on_invalid_view: skip"]);
    let skipping = json!({ "database": "d", "on_invalid_view": "skip" });
    let made = room.backup(spec(server, skipping.clone())).await;
    done(&made);
    assert!(
        made.report.warnings.iter().any(|warning| warning.ends_with("left out: d.broken")),
        "{:?}",
        made.report.warnings
    );
    server.sql("DROP VIEW d.fine;");
    done(&room.restore(spec(server, skipping), RestoreTarget::Original).await);
    assert_eq!(server.sql("SELECT id FROM d.fine; SHOW TABLES FROM d LIKE 'broken';").trim(), "1");
}

/// A foreign key of another database is named before anything is touched.
async fn referenced_tables(server: &MariaDb, room: &Room) {
    done(&room.backup(spec(server, d())).await);
    server.sql("CREATE DATABASE e; CREATE TABLE e.child (id INT, FOREIGN KEY (id) REFERENCES d.t (id)); INSERT INTO e.child VALUES (1); INSERT INTO d.t VALUES (2);");
    for in_place in [false, true] {
        let target = ReplayTarget { in_place, ..ReplayTarget::default() };
        let ended = room.restore_to(spec(server, d()), target).await;
        refused(&ended, RunErrorKind::Unsupported, &["e.child (", "DROP FOREIGN KEY"]);
    }
    assert_eq!(server.sql("SELECT COUNT(*) FROM d.t;").trim(), "2", "nothing was touched");
    let both = json!({ "databases": ["d", "e"] });
    done(&room.backup(spec(server, both.clone())).await);
    server.sql("DELETE FROM e.child; DELETE FROM d.t;");
    done(&room.restore(spec(server, both), RestoreTarget::Original).await);
    assert_eq!(server.sql("SELECT COUNT(*) FROM d.t; SELECT COUNT(*) FROM e.child;").trim(), "2\n1");
    let dangling = server.sql("SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = 'e' AND unique_constraint_schema = 'd';");
    assert_eq!(dangling.trim(), "1");
    server.sql("DROP DATABASE e;");
}

/// What the server does not accept leaves the old database as it was.
async fn rejected_objects(server: &MariaDb, room: &Room) {
    server.sql("CREATE DATABASE f; CREATE TABLE f.t (id INT); INSERT INTO f.t VALUES (1); CREATE DATABASE g; CREATE TABLE g.t (id INT); CREATE VIEW f.over_g AS SELECT g.t.id FROM g.t, f.t;");
    let f = json!({ "database": "f" });
    done(&room.backup(spec(server, f.clone())).await);
    server.sql("DROP TABLE g.t; INSERT INTO f.t VALUES (2);");
    let ended = room.restore(spec(server, f), RestoreTarget::Original).await;
    refused(&ended, RunErrorKind::Program, &["needs a table that is not there", "the databases are as they were"]);
    assert_eq!(server.sql("SELECT COUNT(*) FROM f.t; SHOW DATABASES LIKE '%bahub%';").trim(), "2");
    server.sql("DROP DATABASE f; DROP DATABASE g;");
}

/// MariaDB's dump program on MySQL, and the other way round, only where it is asked for.
async fn another_family(server: &MariaDb) {
    let other = if server.release() == Release::MySql9 { Release::System } else { Release::MySql9 };
    if !other.is_there() {
        return;
    }
    let room = Room::with_client(other);
    let over_tcp = |more: Value| {
        let mut spec = spec(server, more);
        super::support::merge(&mut spec, json!({ "user": "visitor", "password": "pw" }));
        spec
    };
    server.sql("CREATE USER visitor@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO visitor@'%';");
    let ended = room.backup(over_tcp(d())).await;
    refused(
        &ended,
        RunErrorKind::Preflight,
        &["allow_other_client: true", "mariadb-client"].map(|word| match server.release() {
            Release::MySql9 if word == "mariadb-client" => "mysql-client",
            _ => word,
        }),
    );
    let made = room.backup(over_tcp(json!({ "database": "d", "allow_other_client": true }))).await;
    done(&made);
    assert!(
        made.report.warnings.iter().any(|warning| warning.contains("another product's")),
        "{:?}",
        made.report.warnings
    );
}

/// A version of MySQL does not fit MariaDB, nor one of MariaDB 11.8 an older one: the old database stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_a_newer_or_another_server_is_loaded_before_anything_is_dropped() {
    SHARED.sql("CREATE DATABASE across; CREATE TABLE across.t (id INT); INSERT INTO across.t VALUES (7);");
    let across = json!({ "database": "across" });
    for release in [Release::MariaDb11, Release::MySql9].into_iter().filter(|release| release.is_there()) {
        let source = MariaDb::of(release, &[]);
        let (kind, unknown) = match release {
            Release::MySql9 => ("TEXT", "utf8mb4_0900_ai_ci"),
            _ => ("VECTOR(3)", "Unknown data type: 'vector'"),
        };
        source
            .sql(&format!("CREATE DATABASE across; CREATE TABLE across.t (id INT, v {kind}) DEFAULT CHARSET utf8mb4;"));
        let room = Room::with_client(release);
        done(&room.backup(spec(&source, across.clone())).await);
        let there = Room { client: Release::System, ..room };
        let ended = there.restore(spec(&SHARED, across.clone()), RestoreTarget::Original).await;
        let words =
            ["does not know a collation, character set or data type", unknown, "the databases are as they were"];
        refused(&ended, RunErrorKind::Program, &words);
        let in_place = ReplayTarget { in_place: true, ..ReplayTarget::default() };
        let ended = there.restore_to(spec(&SHARED, across.clone()), in_place).await;
        refused(&ended, RunErrorKind::Unsupported, &["the version was made on M", "this server is MariaDB 10.11"]);
        assert_eq!(SHARED.sql("SELECT id FROM across.t; SHOW DATABASES LIKE '%bahub%';").trim(), "7");
    }
}

/// A database of MariaDB 10.11 moves to 11.8 with the history of its tables, whose end of time is another there.
#[tokio::test(flavor = "multi_thread")]
async fn history_moves_to_a_newer_release() {
    if !Release::MariaDb11.is_there() {
        return;
    }
    let target = MariaDb::of(Release::MariaDb11, &[]);
    SHARED.sql("CREATE DATABASE past; CREATE TABLE past.t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; INSERT INTO past.t VALUES (1, 1); UPDATE past.t SET v = 2;");
    let past = json!({ "database": "past" });
    let room = Room::new();
    done(&room.backup(spec(&SHARED, past.clone())).await);
    let there = Room { client: Release::MariaDb11, ..room };
    done(&there.restore(spec(&target, past), RestoreTarget::Original).await);
    assert_eq!(target.sql("SELECT v FROM past.t;").trim(), "2");
    assert_eq!(target.sql("SELECT COUNT(*) FROM past.t FOR SYSTEM_TIME ALL;").trim(), "2");
}

/// MariaDB drops the events of `shop` with `Shop`.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_database_that_differs_in_case_are_not_dropped() {
    SHARED.sql("CREATE DATABASE `Upper`; CREATE TABLE `Upper`.t (id INT); CREATE DATABASE `upper`; CREATE EVENT `upper`.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1;");
    let room = Room::new();
    let upper = json!({ "database": "Upper" });
    done(&room.backup(spec(&SHARED, upper.clone())).await);
    let ended = room.restore(spec(&SHARED, upper), RestoreTarget::Original).await;
    refused(&ended, RunErrorKind::Unsupported, &["events of upper"]);
    assert_eq!(SHARED.sql("SELECT COUNT(*) FROM information_schema.events WHERE event_schema = 'upper';").trim(), "1");
}

/// A server without encryption, and client programs that verify certificates by default.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_client_falls_back_where_encryption_is_only_preferred() {
    if !Release::MariaDb11.is_there() {
        return;
    }
    SHARED.sql("CREATE DATABASE plain_tcp; CREATE TABLE plain_tcp.t (id INT);");
    let room = Room::with_client(Release::MariaDb11);
    done(&room.backup(spec(&SHARED, json!({ "database": "plain_tcp" }))).await);
    let required = json!({ "database": "plain_tcp", "tls": { "mode": "require" } });
    refused(&room.backup(spec(&SHARED, required)).await, RunErrorKind::Preflight, &["`tls` requires encryption"]);
    if Release::MySql9.is_there() {
        let server = MariaDb::of(Release::MySql9, &[]);
        server.sql("CREATE DATABASE d; CREATE USER visitor@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO visitor@'%';");
        for room in [Room::new(), Room::with_client(Release::MariaDb11)] {
            let required = json!({ "database": "d", "tls": { "mode": "require" }, "allow_other_client": true, "user": "visitor", "password": "pw" });
            done(&room.backup(spec(&server, required)).await);
        }
    }
}

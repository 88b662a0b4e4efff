//! What is refused or said before anything is lost: client programs of another family, servers that lack something, objects
//! that no dump or restore survives.

use bahub_core::engine::{RunErrorKind, RunOutcome};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::{MariaDb, Release};
use serde_json::{Value, json};

use super::support::{Room, SHARED, done, failure_text, shared, spec};

#[track_caller]
fn refused(ended: &RunOutcome, kind: RunErrorKind, words: &[&str]) {
    assert!(ended.error.is_some(), "it is refused: {words:?}");
    let message = failure_text(ended);
    assert_eq!(ended.error.as_ref().unwrap().kind(), kind, "{message}");
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}

/// Each server with a database `d` of one table, which has one row.
fn each_server() -> Vec<&'static MariaDb> {
    let releases =
        [Release::System, Release::MariaDb11, Release::MySql9].into_iter().filter(|release| release.is_there());
    let servers: Vec<_> = releases.map(shared).collect();
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
    for server in each_server() {
        let room = Room::with_client(server.release());
        excluded_tables(server, &room).await;
        names_that_are_alike(server, &room).await;
        invalid_views(server, &room).await;
        referenced_tables(server, &room).await;
        rejected_objects(server, &room).await;
        unfinished_restores(server, &room).await;
        rows_elsewhere(server, &room).await;
        another_family(server).await;
    }
}

/// What a restore that was killed has half filled is no backup.
async fn unfinished_restores(server: &MariaDb, room: &Room) {
    server.sql(
        "CREATE DATABASE half; CREATE TABLE half.t (id INT); CREATE TABLE half.__bahub_is_filled (id INT PRIMARY KEY);",
    );
    let failed = room.backup(spec(server, json!({ "database": "half" }))).await;
    refused(&failed, RunErrorKind::Preflight, &["left them incomplete: half", "restore again"]);
    let left = format!("{}_0", "__bahub_new_00000000000000000000000000000bad");
    server.sql(&format!(
        "DROP DATABASE half; CREATE DATABASE {left}; CREATE TABLE {left}.__bahub_is_moving (id INT PRIMARY KEY);"
    ));
    let made = room.backup(spec(server, d())).await;
    done(&made);
    assert!(made.report.warnings.iter().any(|warning| warning.contains(&left)), "{:?}", made.report.warnings);
    server.sql(&format!("DROP DATABASE {left};"));
}

/// No dump program writes the rows of a table that are on another server.
async fn rows_elsewhere(server: &MariaDb, room: &Room) {
    if server.release() == Release::MySql9 {
        return;
    }
    server.sql(&format!(
        "INSTALL SONAME 'ha_federatedx'; CREATE USER reader@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON d.* TO reader@'%'; CREATE DATABASE remote; \
         CREATE TABLE remote.t (id INT) ENGINE=FEDERATED CONNECTION='mysql://reader:pw@127.0.0.1:{}/d/t';",
        server.port()
    ));
    let made = room.backup(spec(server, json!({ "database": "remote" }))).await;
    done(&made);
    let of = |words: &str| made.report.warnings.iter().any(|warning| warning.contains(words));
    assert!(of("none of their rows") && of("remote.t (FEDERATED)"), "{:?}", made.report.warnings);
    assert!(!of("no transactions"), "{:?}", made.report.warnings);
    server.sql("DROP DATABASE remote; DROP USER reader@'%'; UNINSTALL SONAME 'ha_federatedx';");
}

/// What is excluded takes its triggers along, and no view over it is left behind.
async fn excluded_tables(server: &MariaDb, room: &Room) {
    server.sql(
        "CREATE DATABASE x; USE x; CREATE TABLE kept (id INT); INSERT INTO kept VALUES (1); CREATE TABLE Sessions (id INT); CREATE TABLE gone (id INT); \
         CREATE TRIGGER logged AFTER INSERT ON Sessions FOR EACH ROW SET @x = 1; CREATE TRIGGER here AFTER INSERT ON kept FOR EACH ROW SET @x = 1; \
         CREATE VIEW recent AS SELECT * FROM Sessions; CREATE VIEW latest AS SELECT * FROM recent; CREATE VIEW broken AS SELECT * FROM gone; \
         CREATE VIEW fine AS SELECT * FROM kept; DROP TABLE gone;",
    );
    let excluding = |tables: &[&str]| spec(server, json!({ "database": "x", "exclude_tables": tables }));
    let failed = room.backup(excluding(&["sessions", "broken"])).await;
    refused(&failed, RunErrorKind::Preflight, &["x.recent (over x.sessions)", "`exclude_tables`"]);
    let failed = room.backup(excluding(&["sessions", "broken", "recent"])).await;
    refused(&failed, RunErrorKind::Preflight, &["x.latest (over x.recent)"]);
    let excluded = excluding(&["sessions", "broken", "recent", "latest"]);
    let made = room.backup(excluded.clone()).await;
    done(&made);
    assert!(made.report.warnings.is_empty(), "{:?}", made.report.warnings);
    done(&room.restore(excluded, RestoreTarget::Original).await);
    let shown = server
        .sql("USE x; SHOW TABLES; SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'x';");
    assert_eq!(shown.trim(), "fine\nkept\nhere");
    server.sql("DROP DATABASE x;");
}

/// The dump program leaves out a table with a view of the same name in other letters.
async fn names_that_are_alike(server: &MariaDb, room: &Room) {
    server.sql("CREATE DATABASE alike; USE alike; CREATE TABLE orders (id INT); CREATE TABLE other (id INT); CREATE TABLE Other (id INT); CREATE VIEW ORDERS AS SELECT 1;");
    let failed = room.backup(spec(server, json!({ "database": "alike" }))).await;
    refused(&failed, RunErrorKind::Preflight, &["alike.orders, alike.ORDERS", "rename one of them"]);
    server.sql("DROP VIEW alike.ORDERS;");
    let failed = room.backup(spec(server, json!({ "database": "alike", "exclude_tables": ["other"] }))).await;
    refused(&failed, RunErrorKind::Preflight, &["alike.Other"]);
    done(&room.backup(spec(server, json!({ "database": "alike" }))).await);
    server.sql("DROP DATABASE alike;");
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
    // What another restore left is nobody's.
    let left = format!("{}_0", "__bahub_new_0123456789abcdef0123456789abcdef");
    server.sql(&format!(
        "CREATE DATABASE {left}; CREATE TABLE {left}.__bahub_is_moving (id INT); RENAME TABLE e.child TO {left}.child;"
    ));
    done(&room.restore(spec(server, d()), RestoreTarget::Original).await);
    server.sql(&format!("RENAME TABLE {left}.child TO e.child; DROP DATABASE {left}; INSERT INTO d.t VALUES (2);"));
    let both = json!({ "databases": ["d", "e"] });
    done(&room.backup(spec(server, both.clone())).await);
    for in_place in [false, true] {
        server.sql("DELETE FROM e.child; DELETE FROM d.t;");
        let target = ReplayTarget { in_place, ..ReplayTarget::default() };
        done(&room.restore_to(spec(server, both.clone()), target).await);
        assert_eq!(server.sql("SELECT COUNT(*) FROM d.t; SELECT COUNT(*) FROM e.child;").trim(), "2\n1");
    }
    let dangling = server.sql("SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = 'e' AND unique_constraint_schema = 'd';");
    assert_eq!(dangling.trim(), "1");
    server.sql("DROP DATABASE e;");
}

/// What the server does not accept leaves the old database as it was.
async fn rejected_objects(server: &MariaDb, room: &Room) {
    server.sql("CREATE DATABASE f; CREATE TABLE f.t (id INT); INSERT INTO f.t VALUES (1); CREATE DATABASE g; CREATE TABLE g.t (id INT); CREATE VIEW f.over_g AS SELECT g.t.id FROM g.t, f.t; \
        CREATE VIEW g.reads_f AS SELECT * FROM f.t; CREATE VIEW f.through AS SELECT * FROM g.reads_f; \
        CREATE DATABASE h; CREATE VIEW h.further AS SELECT * FROM g.reads_f; CREATE VIEW f.beyond AS SELECT * FROM h.further; \
        CREATE FUNCTION h.counts() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM g.reads_f); CREATE FUNCTION h.fine() RETURNS INT NO SQL RETURN 1; \
        CREATE VIEW f.counted AS SELECT h.counts() AS n; CREATE VIEW f.calls_fine AS SELECT h.fine() AS n; \
        CREATE TABLE h.log (v INT); CREATE TRIGGER h.logs AFTER INSERT ON h.log FOR EACH ROW UPDATE f.t SET id = id; CREATE PROCEDURE h.far() INSERT INTO log VALUES (1); \
        CREATE PROCEDURE f.goes_far() CALL h.far(); CREATE TABLE f.f (total INT); CREATE VIEW f.total AS SELECT total FROM f.f; CREATE VIEW f.innocent AS SELECT f.total FROM f.f; \
        CREATE DATABASE `h``\\Eh`; CREATE VIEW `h``\\Eh`.`v``v` AS SELECT * FROM g.reads_f; CREATE VIEW f.odd AS SELECT * FROM `h``\\Eh`.`v``v`; \
        SET GLOBAL event_scheduler = OFF; CREATE EVENT f.later ON SCHEDULE EVERY 1 YEAR DO CALL h.far(); CREATE EVENT f.calm ON SCHEDULE EVERY 1 YEAR DO SET @x = 1; \
        CREATE PROCEDURE f.asks() READS SQL DATA SELECT `h` . counts(); CREATE TRIGGER f.asked BEFORE INSERT ON f.t FOR EACH ROW SET @n = h.Counts();");
    let f = json!({ "database": "f" });
    done(&room.backup(spec(server, f.clone())).await);
    let copied = room.restore(spec(server, f.clone()), RestoreTarget::Database("f_copy".into())).await;
    done(&copied);
    assert!(
        copied.report.warnings.iter().any(|warning| warning.ends_with(
            "through other databases: event later, procedure asks, procedure goes_far, trigger asked, view beyond, view counted, view odd, view through"
        )),
        "{:?}",
        copied.report.warnings
    );
    assert!(
        copied.report.warnings.iter().any(|warning| warning.ends_with("disabled in the copy: calm")),
        "{:?}",
        copied.report.warnings
    );
    assert_eq!(
        server
            .sql("SELECT table_name FROM information_schema.views WHERE table_schema = 'f_copy' ORDER BY 1; DROP DATABASE f_copy;")
            .trim(),
        "calls_fine\ninnocent\nover_g\ntotal"
    );
    server.sql("DROP TABLE g.t; INSERT INTO f.t VALUES (2);");
    let ended = room.restore(spec(server, f), RestoreTarget::Original).await;
    refused(&ended, RunErrorKind::Program, &["needs a table that is not there", "the databases are as they were"]);
    assert_eq!(server.sql("SELECT COUNT(*) FROM f.t;").trim(), "2");
    if server.release() != Release::System {
        assert_eq!(server.sql("SHOW DATABASES LIKE '%bahub%';"), "", "no other test restores there");
    }
    server.sql("DROP DATABASE f; DROP DATABASE g; DROP DATABASE h; DROP DATABASE `h``\\Eh`;");
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
    let plain = over_tcp(json!({ "database": "d", "tls": { "mode": "disable" } }));
    if server.release() == Release::MySql9 {
        let ended = Room::with_client(Release::MySql9).backup(plain.clone()).await;
        refused(&ended, RunErrorKind::Preflight, &["can only be sent over an encrypted connection", "2061"]);
    }
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
    if server.release() != Release::MySql9 {
        // A method of logging in that MySQL's programs have never had.
        server.sql("INSTALL SONAME 'auth_ed25519'; CREATE USER signer@'%' IDENTIFIED VIA ed25519 USING PASSWORD('pw'); GRANT ALL ON *.* TO signer@'%';");
        let mut signing = over_tcp(json!({ "database": "d", "allow_other_client": true }));
        super::support::merge(&mut signing, json!({ "user": "signer" }));
        let ended = room.backup(signing).await;
        refused(&ended, RunErrorKind::Preflight, &["2059", "client_ed25519", "programs of the server's release"]);
    } else {
        // The server remembers a password that came over an encrypted connection.
        server.sql("SET GLOBAL require_secure_transport = ON;");
        let ended = Room::with_client(Release::MySql9).backup(plain).await;
        refused(&ended, RunErrorKind::Preflight, &["accepts encrypted connections only", "3159"]);
        server.sql("SET GLOBAL require_secure_transport = OFF;");
    }
}

/// A version of MySQL does not fit MariaDB, nor one of MariaDB 11.8 an older one: the old database stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_a_newer_or_another_server_is_loaded_before_anything_is_dropped() {
    SHARED.sql("CREATE DATABASE across; CREATE TABLE across.t (id INT); INSERT INTO across.t VALUES (7);");
    let across = json!({ "database": "across" });
    for release in [Release::MariaDb11, Release::MySql9].into_iter().filter(|release| release.is_there()) {
        let source = shared(release);
        let (kind, unknown) = match release {
            Release::MySql9 => ("TEXT", "utf8mb4_0900_ai_ci"),
            _ => ("VECTOR(3)", "Unknown data type: 'vector'"),
        };
        source
            .sql(&format!("CREATE DATABASE across; CREATE TABLE across.t (id INT, v {kind}) DEFAULT CHARSET utf8mb4;"));
        let room = Room::with_client(release);
        done(&room.backup(spec(source, across.clone())).await);
        let there = Room { client: Release::System, ..room };
        let ended = there.restore(spec(&SHARED, across.clone()), RestoreTarget::Original).await;
        let words =
            ["does not know a collation, character set or data type", unknown, "the databases are as they were"];
        refused(&ended, RunErrorKind::Program, &words);
        let in_place = ReplayTarget { in_place: true, ..ReplayTarget::default() };
        let ended = there.restore_to(spec(&SHARED, across.clone()), in_place).await;
        refused(&ended, RunErrorKind::Unsupported, &["the version was made on M", "this server is MariaDB 10.11"]);
        assert_eq!(SHARED.sql("SELECT id FROM across.t;").trim(), "7");
    }
}

/// A database of MariaDB 10.11 moves to 11.8 with the history of its tables, whose end of time is another there.
#[tokio::test(flavor = "multi_thread")]
async fn history_moves_to_a_newer_release() {
    if !Release::MariaDb11.is_there() {
        return;
    }
    let target = shared(Release::MariaDb11);
    let own = "`valid from` TIMESTAMP(6) GENERATED ALWAYS AS ROW START, vt TIMESTAMP(6) GENERATED ALWAYS AS ROW END";
    SHARED.sql(&format!(
        "CREATE DATABASE past; CREATE DATABASE past2; USE past; SET time_zone = '+00:00'; \
         CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; INSERT INTO t VALUES (1, 1); UPDATE t SET v = 2; \
         CREATE TABLE o (id INT PRIMARY KEY, g INT AS (id + 1), s TEXT, {own}, w TIMESTAMP(6) NOT NULL DEFAULT '2038-01-19 03:14:07.999999', \
           PERIOD FOR SYSTEM_TIME (`valid from`, vt)) WITH SYSTEM VERSIONING; \
         INSERT INTO o (id, s) VALUES (1, 'a (''b'', \\\\),\\n'), (2, ','); UPDATE o SET s = CONCAT(s, 'x') WHERE id = 1; \
         CREATE TABLE past2.o (id INT, g INT, s TEXT, f INT, v TIMESTAMP(6) NOT NULL); INSERT INTO past2.o VALUES (1, 2, '', 4, '2038-01-19 03:14:07.999999');"
    ));
    for databases in [json!({ "databases": ["past", "past2"] }), json!({ "database": "past" })] {
        let room = Room::new();
        done(&room.backup(spec(&SHARED, databases.clone())).await);
        let there = Room { client: Release::MariaDb11, ..room };
        done(&there.restore(spec(target, databases), RestoreTarget::Original).await);
        let rows = target.sql("SET time_zone = '+00:00'; SELECT v FROM past.t; SELECT s FROM past.o; SELECT DISTINCT w FROM past.o; SELECT v FROM past2.o;");
        assert_eq!(rows.trim(), "2\na ('b', \\\\),\\nx\n,\n2038-01-19 03:14:07.999999\n2038-01-19 03:14:07.999999");
        let all = "SELECT COUNT(*) FROM past.t FOR SYSTEM_TIME ALL; SELECT COUNT(*) FROM past.o FOR SYSTEM_TIME ALL;";
        assert_eq!(target.sql(all).trim(), "2\n3");
    }
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
        let server = shared(Release::MySql9);
        server
            .sql("CREATE DATABASE encrypted; CREATE USER guest@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO guest@'%';");
        for room in [Room::new(), Room::with_client(Release::MariaDb11)] {
            let required = json!({ "database": "encrypted", "tls": { "mode": "require" }, "allow_other_client": true, "user": "guest", "password": "pw" });
            done(&room.backup(spec(server, required)).await);
        }
    }
}

//! One database, there and back.

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, SHARED, done, failure_text, in_place, left, spec};

/// A database with properties of its own.
pub(crate) fn shop(name: &str) {
    SHARED.sql(
        "postgres",
        &format!(
            "CREATE DATABASE \"{name}\" TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'; \
             ALTER DATABASE \"{name}\" CONNECTION LIMIT 7; ALTER DATABASE \"{name}\" SET search_path TO \"$user\", public, \"a b\"; \
             ALTER DATABASE \"{name}\" SET work_mem TO '5MB'; REVOKE CONNECT ON DATABASE \"{name}\" FROM PUBLIC; \
             COMMENT ON DATABASE \"{name}\" IS 'it''s \\ the :\"db\" 🙂';"
        ),
    );
    SHARED.sql(
        name,
        "CREATE TABLE t (id int PRIMARY KEY, v text, big numeric GENERATED ALWAYS AS (id * 2) STORED); \
         INSERT INTO t (id, v) SELECT n, md5(n::text) FROM generate_series(1, 20000) n; CREATE INDEX ON t (v); \
         CREATE VIEW w AS SELECT count(*) FROM t; SELECT lo_from_bytea(4711, '\\x00ff10');",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_comes_back_with_its_properties_in_either_form() {
    for (name, format) in [("whole custom", "custom"), ("whole plain", "plain")] {
        shop(name);
        let before = SHARED.dump(name);
        let (room, spec) = (Room::new(), spec(&SHARED, json!({ "database": name, "format": format })));
        done(&room.backup(spec.clone()).await);
        // Later changes are gone, and connected clients are disconnected.
        SHARED.sql(name, "CREATE TABLE later (); DROP VIEW w; DELETE FROM t WHERE id % 2 = 0; SELECT lo_unlink(4711);");
        SHARED.sql(
            "postgres",
            &format!("ALTER DATABASE \"{name}\" CONNECTION LIMIT 3; COMMENT ON DATABASE \"{name}\" IS NULL;"),
        );
        let mut client = SHARED.command("psql").args(["--dbname", name, "-c", "SELECT pg_sleep(600)"]).spawn().unwrap();
        done(&room.restored(spec.clone()).await);
        assert!(!client.wait().unwrap().success());
        assert_eq!(SHARED.dump(name), before);
        SHARED.sql("postgres", &format!("DROP DATABASE \"{name}\""));
        done(&room.restored(spec).await);
        assert_eq!(SHARED.dump(name), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_in_place_under_another_name_and_beside_a_kept_one() {
    let name = "places";
    shop(name);
    SHARED.sql(name, "SELECT lo_unlink(4711)");
    let before = SHARED.dump(name);
    for format in ["custom", "plain"] {
        let (room, spec) = (Room::new(), spec(&SHARED, json!({ "database": name, "format": format })));
        done(&room.backup(spec.clone()).await);
        SHARED.sql(name, "CREATE SCHEMA later; CREATE TABLE later.t (); CREATE EXTENSION hstore; CREATE VIEW public.later AS SELECT * FROM t;");
        done(&room.restore(spec.clone(), in_place()).await);
        assert_eq!(SHARED.sql(name, "SELECT count(*) || md5(string_agg(v, '' ORDER BY id)) FROM t"), sum(name));
        assert_eq!(SHARED.dump(name).replace("\n", ""), before.replace("\n", ""));

        let other = format!("other \"' {format}");
        done(&room.restore(spec.clone(), ReplayTarget::at(RestoreTarget::Database(other.clone()))).await);
        assert_eq!(SHARED.dump(&other).matches("INSERT\nCOPY").count(), 0);
        assert_eq!(sum(&other), sum(name));
        let taken = room.restore(spec.clone(), ReplayTarget::at(RestoreTarget::Database(other))).await;
        assert!(failure_text(&taken).contains("already exists"), "{}", failure_text(&taken));

        let kept = ReplayTarget { keep_old: true, ..ReplayTarget::default() };
        let ended = room.restore(spec, kept).await;
        done(&ended);
        let notices = ended.report.notices.join("\n");
        let kept = notices.rsplit("kept as ").next().unwrap();
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        assert!(kept.starts_with("places__old_"), "{notices}");
        assert_eq!(sum(kept), sum(name));
        SHARED.sql("postgres", &format!("DROP DATABASE \"{kept}\""));
    }
}

fn sum(database: &str) -> String {
    SHARED.sql(database, "SELECT count(*) || md5(string_agg(v, '' ORDER BY id)) FROM t")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_counts_what_came_back_and_leaves_nothing() {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE drilled; CREATE DATABASE other");
    server.sql("drilled", "CREATE TABLE \"a\n\\b\" (v int); INSERT INTO \"a\n\\b\" SELECT generate_series(1, 1000); CREATE SCHEMA s; CREATE TABLE s.t (v int); CREATE TABLE child () INHERITS (s.t); INSERT INTO child VALUES (1)");
    let (room, spec) = (Room::new(), spec(&server, json!({ "database": "drilled" })));
    done(&room.backup(spec.clone()).await);
    let before = server.dump("drilled");
    let look = |look| RestoreOptions::default().mode(look);
    let ended = room.engine.restore(&room.plan(spec.clone()), &look(RestoreMode::DrillOnly)).await;
    done(&ended);
    let drill = ended.report.drill.unwrap();
    assert_eq!((drill.things, drill.count, drill.compared), (3, 1001, true));
    assert_eq!((left(&server), server.dump("drilled")), (String::new(), before.clone()));
    // Rows that get lost: a view that is filled last deletes them where it is restored.
    server.sql(
        "drilled",
        "CREATE FUNCTION eats() RETURNS int LANGUAGE plpgsql AS 'BEGIN IF current_database() ~ ''bahub'' THEN DELETE FROM s.t; END IF; RETURN 1; END'; \
         CREATE MATERIALIZED VIEW m AS SELECT eats()",
    );
    done(&room.backup(spec.clone()).await);
    let now = server.dump("drilled");
    for how in [RestoreMode::DrillOnly, RestoreMode::ScratchFirst] {
        let ended = room.engine.restore(&room.plan(spec.clone()), &look(how)).await;
        assert!(failure_text(&ended).contains("child has 0, expected 1"), "{}", failure_text(&ended));
        assert_eq!((left(&server), server.dump("drilled")), (String::new(), now.clone()));
    }
    // Without counts there is nothing to compare with.
    let uncounted = super::support::spec(&server, json!({ "database": "other", "counts": "off" }));
    done(&room.backup(uncounted.clone()).await);
    let ended = room.engine.restore(&room.plan(uncounted), &look(RestoreMode::DrillOnly)).await;
    done(&ended);
    assert!(ended.report.warnings.join(" ").contains("this backup has no counts"));
    assert_eq!(left(&server), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_original_stored_comes_back_and_a_cut_one_is_refused_before_anything_is_touched() {
    SHARED.sql("postgres", "CREATE DATABASE legacy; COMMENT ON DATABASE legacy IS 'kept'");
    SHARED.sql("legacy", "CREATE TABLE t (v int); INSERT INTO t VALUES (1), (2), (3)");
    let dump = SHARED.command("pg_dump").env("PGDATABASE", "legacy").output().unwrap().stdout;
    let text = String::from_utf8(dump).unwrap();
    let cut = &text[..text.find("-- PostgreSQL database dump complete").unwrap()];
    let spec = spec(&SHARED, json!({ "database": "legacy", "gzip_args": "-3" }));
    for target in [ReplayTarget::default(), in_place()] {
        for (content, whole) in [(text.as_str(), true), (cut, false)] {
            let room = Room::new();
            room.sink.put(room.engine.by_the_original(content.as_bytes()));
            SHARED.sql("legacy", "DELETE FROM t; INSERT INTO t VALUES (9)");
            let ended = room.restore(spec.clone(), target.clone()).await;
            if whole {
                done(&ended);
                assert_eq!(SHARED.sql("legacy", "SELECT sum(v) FROM t"), "6");
            } else {
                assert!(
                    failure_text(&ended).starts_with("Integrity") && failure_text(&ended).contains("dump complete"),
                    "{}",
                    failure_text(&ended)
                );
                assert_eq!(SHARED.sql("legacy", "SELECT sum(v) FROM t"), "9", "nothing was touched");
            }
        }
    }
    let comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'legacy'";
    assert_eq!(SHARED.sql("postgres", comment), "kept", "it is made like the one that is there");
    let room = Room::new();
    room.sink.put(room.engine.by_the_original(b"--\n-- PostgreSQL database cluster dump\n--\n"));
    assert!(failure_text(&room.restored(spec).await).contains("script of a whole server"));
}

/// Its dump contains `COMMIT` between the objects and the rest.
#[tokio::test(flavor = "multi_thread")]
async fn large_objects_do_not_go_in_place_and_nothing_is_touched() {
    let name = "large objects";
    shop(name);
    for format in ["custom", "plain"] {
        let (room, spec) = (Room::new(), spec(&SHARED, json!({ "database": name, "format": format })));
        done(&room.backup(spec.clone()).await);
        SHARED.sql(name, "CREATE TABLE later (); DELETE FROM t WHERE id = 1");
        let before = SHARED.dump(name);
        let refused = room.restore(spec.clone(), in_place()).await;
        assert!(failure_text(&refused).contains("contains large objects"), "{}", failure_text(&refused));
        assert_eq!(SHARED.dump(name), before);
        done(&room.restored(spec).await);
        assert_eq!(SHARED.sql(name, "SELECT count(*) || coalesce(to_regclass('later')::text, '') FROM t"), "20000");
    }
}

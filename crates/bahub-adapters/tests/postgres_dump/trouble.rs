//! What goes wrong on servers as people run them: each names its cause and the way out, and nothing is destroyed.

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::{Postgres, Release};
use serde_json::json;

use super::support::{Room, SHARED, done, failure_text, in_place, left, left_by, spec};

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_rely_on_a_search_path_find_it_or_a_backup_names_them() {
    SHARED.sql("postgres", "CREATE DATABASE paths");
    SHARED.sql("paths", "CREATE TABLE allowed (v int); INSERT INTO allowed VALUES (1); \
        CREATE FUNCTION is_allowed(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN EXISTS (SELECT FROM allowed WHERE v = $1); END'; \
        CREATE TABLE zzz (v int CHECK (is_allowed(v))); INSERT INTO zzz VALUES (1)");
    for more in [
        json!({ "database": "paths" }),
        json!({ "database": "paths", "format": "plain" }),
        json!({ "databases": ["paths"] }),
    ] {
        let (room, spec) = (Room::new(), spec(&SHARED, more));
        let made = room.backup(spec.clone()).await;
        done(&made);
        assert!(made.report.warnings.is_empty(), "{:?}", made.report.warnings);
        for target in [ReplayTarget::default(), in_place()] {
            SHARED.sql("paths", "DELETE FROM zzz");
            done(&room.restore(spec.clone(), target).await);
            assert_eq!(SHARED.sql("paths", "SELECT count(*) FROM zzz"), "1");
        }
    }
    // Where others may make objects on the path it is not used.
    SHARED.sql("paths", "GRANT CREATE ON SCHEMA public TO PUBLIC");
    for more in [json!({ "database": "paths" }), json!({ "databases": ["paths"] })] {
        let (room, spec) = (Room::new(), spec(&SHARED, more));
        let made = room.backup(spec.clone()).await;
        done(&made);
        let warnings = made.report.warnings.join("\n");
        assert!(warnings.contains("is_allowed(integer)") && warnings.contains("SET search_path"), "{warnings}");
        let ended = room.restored(spec).await;
        let refused = failure_text(&ended);
        assert!(refused.contains("ALTER FUNCTION ... SET search_path"), "{refused}");
        assert_eq!(SHARED.sql("paths", "SELECT count(*) FROM zzz"), "1");
        assert_eq!(left_by(&ended, &SHARED), "");
    }
    SHARED.sql("paths", "ALTER FUNCTION is_allowed SET search_path = public, pg_temp");
    let (room, spec) = (Room::new(), spec(&SHARED, json!({ "database": "paths" })));
    let made = room.backup(spec.clone()).await;
    assert!(made.report.warnings.is_empty(), "{:?}", made.report.warnings);
    done(&room.restored(spec).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_that_the_server_lacks_are_named_before_anything_is_touched() {
    if !Release::Postgres17.is_there() {
        return;
    }
    let source = Postgres::of(
        Release::Postgres17,
        &["-c", "shared_preload_libraries=pg_cron", "-c", "cron.use_background_workers=on"],
    );
    let client = Release::Postgres17.folder().unwrap();
    let plan = |room: &Room, server: &Postgres, more| {
        let adapter = bahub_testkit::fakes::WithPrograms::new(super::support::adapter(spec(server, more)), &client);
        room.engine.plan(std::sync::Arc::new(adapter), std::sync::Arc::new(room.sink.clone()))
    };
    source.sql("postgres", "CREATE DATABASE vectors");
    source.sql("vectors", "CREATE EXTENSION vector; CREATE TABLE t (v vector(2))");
    let room = Room::new();
    done(&room.engine.backup(&plan(&room, &source, json!({ "database": "vectors" }))).await);
    let refused = failure_text(
        &room.engine.restore(&plan(&room, &SHARED, json!({ "database": "vectors" })), &RestoreOptions::default()).await,
    );
    assert!(refused.contains("does not have: vector") && refused.contains("nothing was changed"), "{refused}");

    // pg_cron lives in one database.
    source.sql("postgres", "CREATE EXTENSION pg_cron; SELECT cron.schedule('nightly', '0 3 * * *', 'VACUUM')");
    let room = Room::new();
    let one = || json!({ "database": "postgres" });
    done(&room.engine.backup(&plan(&room, &source, one())).await);
    let refused = failure_text(&room.engine.restore(&plan(&room, &source, one()), &RestoreOptions::default()).await);
    assert!(refused.contains("pg_cron") && refused.contains("restore in place"), "{refused}");
    source.sql("postgres", "SELECT cron.unschedule('nightly')");
    done(&room.engine.restore(&plan(&room, &source, one()), &RestoreOptions::default().to(in_place())).await);
    assert_eq!(source.sql("postgres", "SELECT jobname FROM cron.job"), "nightly");
    let all = Room::new();
    done(&all.engine.backup(&plan(&all, &source, json!({}))).await);
    let refused = failure_text(&all.engine.restore(&plan(&all, &source, json!({})), &RestoreOptions::default()).await);
    assert!(refused.contains("data of postgres") && refused.contains("restore in place"), "{refused}");
    assert_eq!(left(&source), "");
    let only = ReplayTarget { members: vec!["postgres".into()], ..in_place() };
    done(&all.engine.restore(&plan(&all, &source, json!({})), &RestoreOptions::default().to(only)).await);
}

/// Roles and locales that came with a later release.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_server_lacks_of_a_newer_one_is_named() {
    if !Release::Postgres17.is_there() || !Release::Postgres18.is_there() {
        return;
    }
    let source = Postgres::of(Release::Postgres18, &[]);
    source.sql("postgres", "CREATE ROLE keeper; CREATE ROLE readers; CREATE ROLE writers; CREATE ROLE sleepers; GRANT pg_signal_autovacuum_worker, readers TO keeper; \
        GRANT writers TO keeper WITH ADMIN OPTION; GRANT sleepers TO keeper WITH INHERIT FALSE; CREATE DATABASE granted; \
        CREATE DATABASE fast TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LC_COLLATE 'C' LC_CTYPE 'C'");
    source.sql("granted", "CREATE TABLE t (v int); GRANT SELECT ON t TO pg_signal_autovacuum_worker");
    for older in [Postgres::of(Release::Postgres17, &[]), Postgres::start()] {
        let restored = async |scope: serde_json::Value| {
            let room = Room::new();
            let plan = |server: &Postgres| {
                let adapter = super::support::adapter(spec(server, scope.clone()));
                let adapter = bahub_testkit::fakes::WithPrograms::new(adapter, Release::Postgres18.folder().unwrap());
                room.engine.plan(std::sync::Arc::new(adapter), std::sync::Arc::new(room.sink.clone()))
            };
            done(&room.engine.backup(&plan(&source)).await);
            let ended = room.engine.restore(&plan(&older), &RestoreOptions::default()).await;
            assert_eq!(left(&older), "");
            ended
        };
        for scope in [json!({ "database": "fast" }), json!({ "databases": ["fast"] })] {
            let text = failure_text(&restored(scope).await);
            assert!(text.contains("does not have the locale") && text.contains("PG_UNICODE_FAST"), "{text}");
        }
        let text = failure_text(&restored(json!({ "database": "granted" })).await);
        assert!(
            text.contains("a role of a newer PostgreSQL") && text.contains("pg_signal_autovacuum_worker"),
            "{text}"
        );
        // Of a whole server only the memberships are left out that cannot be.
        let ended = restored(json!({ "exclude_databases": ["fast", "granted"] })).await;
        done(&ended);
        let warnings = ended.report.warnings.join("\n");
        let knows_limits = older.sql("postgres", "SELECT current_setting('server_version_num')::int >= 160000") == "t";
        assert!(
            warnings.contains("keeper is not made a member of pg_signal_autovacuum_worker: this server has"),
            "{warnings}"
        );
        assert!(!warnings.contains("LOCATION"), "{warnings}");
        assert_eq!(warnings.contains("keeper is not made a member of sleepers"), !knows_limits, "{warnings}");
        let members = older.sql("postgres", "SELECT string_agg(roleid::regrole || ' ' || admin_option, ', ' ORDER BY roleid::regrole::text) FROM pg_auth_members WHERE member = 'keeper'::regrole");
        let sleepers = if knows_limits { ", sleepers false" } else { "" };
        assert_eq!(members, format!("readers false{sleepers}, writers true"));
    }
}

/// Before release 16 a role with CREATEROLE made others members without ADMIN, which it needs as a grantor since.
#[tokio::test(flavor = "multi_thread")]
async fn memberships_that_an_older_server_allowed_come_back_on_a_newer_one() {
    if !Release::Postgres17.is_there() {
        return;
    }
    let (source, newer) = (Postgres::start(), Postgres::of(Release::Postgres17, &[]));
    source.sql("postgres", "CREATE ROLE ops CREATEROLE; CREATE ROLE readers; CREATE ROLE app; SET ROLE ops; GRANT readers TO app; RESET ROLE; CREATE DATABASE shop");
    let room = Room::new();
    done(&room.backup(spec(&source, json!({}))).await);
    let adapter = super::support::adapter(spec(&newer, json!({})));
    let adapter = bahub_testkit::fakes::WithPrograms::new(adapter, Release::Postgres17.folder().unwrap());
    let plan = room.engine.plan(std::sync::Arc::new(adapter), std::sync::Arc::new(room.sink.clone()));
    let ended = room.engine.restore(&plan, &RestoreOptions::default()).await;
    done(&ended);
    assert!(!ended.report.warnings.join(" ").contains("member"), "{:?}", ended.report.warnings);
    assert_eq!(newer.sql("postgres", "SELECT pg_has_role('app', 'readers', 'USAGE')"), "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_database_that_cannot_be_dumped_is_named_with_its_reason() {
    let server = Postgres::start();
    for name in ["good", "bad_1", "fine", "bad_2"] {
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
    }
    for name in ["bad_1", "bad_2"] {
        // As after an upgrade without a library.
        server.sql(name, "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'int4out'; CREATE TABLE t (v int); CREATE VIEW v AS SELECT 1 AS a; \
            UPDATE pg_attribute SET atttypid = 999999 WHERE attrelid = 't'::regclass AND attname = 'v'");
    }
    let room = Room::new();
    let refused = failure_text(&room.backup(spec(&server, json!({}))).await);
    assert!(refused.contains("data of bad_1") && refused.contains("data of bad_2"), "{refused}");
    assert!(!refused.contains("good") && !refused.contains("fine"), "{refused}");
    assert!(room.sink.list().await.unwrap().is_empty());
    done(&room.backup(spec(&server, json!({ "exclude_databases": ["bad_1", "bad_2"] }))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_of_a_subscriber_leaves_nothing_and_limits_of_the_role_do_not_apply() {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE subscriber; CREATE ROLE hasty SUPERUSER LOGIN PASSWORD 'h'; ALTER ROLE hasty SET statement_timeout TO '300ms'; ALTER ROLE hasty SET idle_in_transaction_session_timeout TO '100ms'");
    server.sql("subscriber", "CREATE TABLE t AS SELECT n FROM generate_series(1, 400000) n; CREATE SUBSCRIPTION sub CONNECTION 'host=192.0.2.1 dbname=x' PUBLICATION p WITH (connect = false, slot_name = 'slot')");
    for format in ["custom", "plain"] {
        let (room, spec) = (
            Room::new(),
            spec(&server, json!({ "database": "subscriber", "format": format, "user": "hasty", "password": "h" })),
        );
        done(&room.backup(spec.clone()).await);
        let ended = room
            .engine
            .restore(&room.plan(spec.clone()), &RestoreOptions::default().mode(RestoreMode::DrillOnly))
            .await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        assert_eq!(left(&server), "");
        done(&room.restore(spec.clone(), in_place()).await);
        // What a dead restore left is no obstacle either.
        let stale = format!("__bahub_new_{}_0", "a".repeat(32));
        done(&room.restore(spec.clone(), ReplayTarget::at(RestoreTarget::Database("copy".into()))).await);
        server.sql("postgres", &format!("ALTER DATABASE copy RENAME TO {stale}"));
        done(&room.backup(spec).await);
        assert_eq!(left(&server), "");
        assert_eq!(server.sql("subscriber", "SELECT subslotname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = 'subscriber'"), "slot");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replication_slot_that_goes_with_the_old_database_is_named() {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE slots");
    server.sql("slots", "SELECT pg_create_logical_replication_slot('feeds_the_warehouse', 'pgoutput')");
    let (room, mut spec) = (Room::new(), spec(&server, json!({ "database": "slots" })));
    done(&room.backup(spec.clone()).await);
    let ended = room.restored(spec.clone()).await;
    done(&ended);
    assert!(ended.report.warnings.join("\n").contains("feeds_the_warehouse"), "{:?}", ended.report.warnings);
    // An address as in a URL.
    spec["host"] = json!("[127.0.0.1]");
    done(&room.backup(spec).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dumps_of_others_restore_or_are_refused_with_the_reason() {
    SHARED.sql("postgres", "CREATE DATABASE foreign_dump");
    SHARED.sql("foreign_dump", "CREATE TABLE t AS SELECT 1 AS v");
    let spec = spec(&SHARED, json!({ "database": "foreign_dump", "gzip_args": "-1" }));
    for (args, words) in [
        (&["--clean", "--if-exists"][..], None),
        (&["--clean"], Some("`--clean` without `--if-exists`")),
        (&["--create"], Some("with `--create`")),
        (&["--clean", "--create"], Some("with `--create`")),
    ] {
        let dump = SHARED.command("pg_dump").args(args).env("PGDATABASE", "foreign_dump").output().unwrap().stdout;
        let room = Room::new();
        room.sink.put(room.engine.by_the_original(&dump));
        SHARED.sql("foreign_dump", "INSERT INTO t VALUES (2)");
        let ended = room.restored(spec.clone()).await;
        match words {
            None => {
                done(&ended);
                assert_eq!(SHARED.sql("foreign_dump", "TABLE t"), "1");
            }
            Some(words) => {
                assert!(failure_text(&ended).contains(words), "{args:?}: {}", failure_text(&ended));
                assert_eq!(SHARED.sql("foreign_dump", "SELECT max(v) FROM t"), "2");
                assert_eq!(left_by(&ended, &SHARED), "");
            }
        }
        SHARED.sql("foreign_dump", "DELETE FROM t WHERE v = 2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tablespaces_come_back_where_their_folders_are_and_are_named_where_not() {
    let (source, fresh) = (Postgres::start(), Postgres::start());
    let folder = source.folder().join("space");
    let made = |folder: &std::path::Path| {
        std::fs::create_dir(folder).unwrap();
        std::process::Command::new("chown").arg("postgres").arg(folder).status().unwrap();
    };
    made(&folder);
    source.sql("postgres", &format!("CREATE TABLESPACE fast LOCATION '{}'", folder.display()));
    source.sql("postgres", "COMMENT ON TABLESPACE fast IS 'it''s'; CREATE DATABASE spaced TABLESPACE fast");
    source.sql("spaced", "CREATE TABLE t AS SELECT 1 AS v");
    let (room, here, there) = (Room::new(), spec(&source, json!({})), spec(&fresh, json!({})));
    done(&room.backup(here.clone()).await);
    done(&room.restored(here).await);
    // The other server runs on the same host: the folder is taken there, as far as PostgreSQL is concerned, or it is missing.
    let elsewhere = source.folder().join("moved");
    std::fs::rename(&folder, &elsewhere).unwrap();
    let refused = failure_text(&room.restored(there.clone()).await);
    assert!(refused.contains("folder of a tablespace") && refused.contains(&folder.display().to_string()), "{refused}");
    assert_eq!(left(&fresh), "");
    let other = fresh.folder().join("space");
    made(&other);
    fresh.sql("postgres", &format!("CREATE TABLESPACE fast LOCATION '{}'", other.display()));
    done(&room.restored(there).await);
    assert_eq!(fresh.sql("postgres", "SELECT spcname || shobj_description(t.oid, 'pg_tablespace') FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = 'spaced'"), "fastit's");
    std::fs::rename(elsewhere, folder).unwrap();
}

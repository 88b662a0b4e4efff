//! Roles of a whole server: missing ones are made, others are changed only where that is asked for, and only with the databases.

use bahub_core::engine::RunErrorKind;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, done, failure_text, left, spec};

const ROLES: &str = "CREATE ROLE app LOGIN PASSWORD 'first' CONNECTION LIMIT 5; CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'boss'; \
    CREATE ROLE readers; GRANT readers TO app; COMMENT ON ROLE app IS 'the app'; ALTER ROLE app SET work_mem TO '9MB'; CREATE DATABASE shop OWNER app";

/// An event trigger, whose owner has to be a superuser, and a view that only members of `readers` can fill.
const SHOP: &str = "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e(); ALTER EVENT TRIGGER e OWNER TO boss; \
    CREATE TABLE t AS SELECT 1 AS v; GRANT SELECT ON t TO readers; GRANT CREATE ON SCHEMA public TO app; SET ROLE app; CREATE MATERIALIZED VIEW m AS TABLE t";

fn everything(server: &Postgres) -> String {
    let is_mine = |line: &&str| line.starts_with("ALTER ROLE postgres ");
    (server.globals() + &server.dump("shop")).lines().filter(|line| !is_mine(line)).collect::<Vec<_>>().join("\n")
}

fn password(server: &Postgres, role: &str) -> String {
    server.sql("postgres", &format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_exist_are_changed_only_where_that_is_asked_for_and_with_the_databases() {
    let (source, fresh) = (Postgres::start(), Postgres::start());
    source.sql("postgres", ROLES);
    source.sql("shop", SHOP);
    let before = everything(&source);
    let (room, here, there) = (Room::new(), spec(&source, json!({})), spec(&fresh, json!({})));
    done(&room.backup(here.clone()).await);

    // A restore that fails at its very end leaves new roles unfinished and without a password; its repetition finishes them.
    fresh.sql("postgres", "CREATE DATABASE blocked; CREATE ROLE app LOGIN PASSWORD 'mine'; CREATE DATABASE shop; COMMENT ON ROLE app IS 'mine'");
    fresh.sql("shop", "CREATE TABLE t (); BEGIN; CREATE TABLE u (); PREPARE TRANSACTION 'blocks'");
    let mine = password(&fresh, "app");
    let failed = room.restored(there.clone()).await;
    assert_eq!(failed.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", failure_text(&failed));
    assert_eq!(
        (password(&fresh, "app"), password(&fresh, "boss"), left(&fresh)),
        (mine.clone(), String::new(), String::new())
    );
    assert_eq!(fresh.sql("postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'boss'"), "f");
    fresh.sql("shop", "ROLLBACK PREPARED 'blocks'");
    // The view's owner was there before, and so is no member of what it reads as.
    let lacks = room.restored(there.clone()).await;
    assert!(failure_text(&lacks).contains("permission denied"), "{}", failure_text(&lacks));
    fresh.sql("postgres", "GRANT readers TO app");
    let ended = room.restored(there.clone()).await;
    done(&ended);
    assert!(
        ended.report.notices.join("\n").contains("overwrites them only where that is asked for"),
        "{:?}",
        ended.report.notices
    );
    assert_eq!((password(&fresh, "app"), password(&fresh, "boss")), (mine, password(&source, "boss")));
    assert_eq!(
        fresh.sql(
            "postgres",
            "SELECT rolconnlimit || shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'app'"
        ),
        "-1mine"
    );

    // On demand.
    fresh.sql("postgres", "DROP DATABASE blocked");
    let all = ReplayTarget { with_roles: true, ..ReplayTarget::default() };
    done(&room.restore(there, all.clone()).await);
    assert_eq!(everything(&fresh), before);
    source.sql("postgres", "ALTER ROLE app PASSWORD 'second'; ALTER ROLE app RESET work_mem");
    let second = password(&source, "app");
    done(&room.restored(here.clone()).await);
    assert_eq!(password(&source, "app"), second);
    let in_place = ReplayTarget { in_place: true, ..all };
    done(&room.restore(here, in_place).await);
    assert_ne!(password(&source, "app"), second);

    // An empty server gets all of it.
    let empty = Postgres::start();
    done(&room.restored(spec(&empty, json!({}))).await);
    assert_eq!(everything(&empty), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_asked_for_only_where_there_are_some() {
    let room = Room::new();
    let server = &*super::support::SHARED;
    let one = spec(server, json!({ "database": "postgres" }));
    done(&room.backup(one.clone()).await);
    let target = ReplayTarget { with_roles: true, location: RestoreTarget::Original, ..ReplayTarget::default() };
    let refused = room.restore(one, target).await;
    assert!(failure_text(&refused).contains("does not restore roles or users"), "{}", failure_text(&refused));
}

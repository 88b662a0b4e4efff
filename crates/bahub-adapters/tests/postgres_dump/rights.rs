//! Exactly the rights that docs/adapters/postgres_dump.md names.

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, SHARED, done, merge, same, spec};

const DOCUMENTED: &str = include_str!("../../../../docs/adapters/postgres_dump.md");

/// The statements of the documentation after this mark.
fn grants(of: &str) -> String {
    let (_, rest) = DOCUMENTED.split_once(&format!("<!-- grants: {of} -->\n```sql\n")).expect("the page has them");
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_suffice() {
    SHARED.sql("postgres", &grants("restore"));
    SHARED.sql("postgres", "CREATE DATABASE rights OWNER restore");
    SHARED.sql("rights", "SET ROLE restore; CREATE SCHEMA s; CREATE TABLE s.t (id serial, v text); INSERT INTO s.t (v) VALUES ('1'); CREATE VIEW s.v AS TABLE s.t; CREATE EXTENSION hstore");
    SHARED.sql("postgres", &grants("backup"));
    let before = SHARED.dump("rights");
    let room = Room::new();
    let of = |user: &str| spec(&SHARED, json!({ "user": user, "password": "secret", "database": "rights" }));
    done(&room.backup(of("backup")).await);
    SHARED.sql("rights", "DROP SCHEMA s CASCADE");
    done(&room.restored(of("restore")).await);
    assert_eq!(SHARED.dump("rights"), before);
    SHARED.sql("postgres", "DROP DATABASE rights");
    done(&room.restored(of("restore")).await);
    assert_eq!(SHARED.dump("rights"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plain_owner_may_not_set_or_see_is_a_warning_and_stops_nothing() {
    // Roles and drills concern the whole server.
    let server = Postgres::start();
    server.sql("postgres", "CREATE ROLE plain LOGIN PASSWORD 'p' CREATEDB; CREATE ROLE \"its app\"; CREATE ROLE gone");
    server.sql("postgres", "CREATE DATABASE plain OWNER plain");
    server.sql(
        "plain",
        "SET ROLE plain; CREATE TABLE t (v int); INSERT INTO t VALUES (1); CREATE TABLE hidden (v int); INSERT INTO hidden VALUES (1), (2); \
         ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY; CREATE POLICY p ON hidden USING (v = 1); RESET ROLE; \
         ALTER ROLE \"its app\" IN DATABASE plain SET statement_timeout TO '33s'; ALTER ROLE gone IN DATABASE plain SET work_mem TO '1MB'; \
         ALTER DATABASE plain SET log_statement TO 'all'; ALTER DATABASE plain SET my.value TO 'it''s :\"db\"'; ALTER DATABASE plain CONNECTION LIMIT 7;",
    );
    let (room, before) = (Room::new(), server.dump("plain"));
    let owner = spec(&server, json!({ "user": "plain", "password": "p", "database": "plain" }));
    done(&room.backup(spec(&server, json!({ "database": "plain" }))).await);
    server.sql("postgres", "DROP DATABASE plain; DROP ROLE gone");
    for target in [ReplayTarget::default(), ReplayTarget::at(RestoreTarget::Database("plain \"copy".into()))] {
        let named = match &target.location {
            RestoreTarget::Database(_) => "\"plain \"\"copy\"",
            _ => "\"plain\"",
        };
        let ended = room.restore(owner.clone(), target).await;
        done(&ended);
        let warnings = &ended.report.warnings;
        for words in [
            format!("ALTER ROLE \"its app\" IN DATABASE {named} SET statement_timeout TO '33s'; (permission denied"),
            format!("ALTER ROLE gone IN DATABASE {named} SET work_mem TO '1MB'; (role \"gone\" does not exist)"),
            format!("ALTER DATABASE {named} SET \"my.value\" TO 'it''s :\"db\"'; (permission denied"),
            format!("ALTER DATABASE {named} SET log_statement TO 'all'; (permission denied"),
        ] {
            assert!(warnings.iter().any(|warning| warning.contains(&words)), "{words}: {warnings:?}");
        }
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }
    server.sql("postgres", "ALTER DATABASE plain SET log_statement TO 'all'; ALTER DATABASE plain SET my.value TO 'it''s :\"db\"'; ALTER ROLE \"its app\" IN DATABASE plain SET statement_timeout TO '33s'");
    same(&server.dump("plain"), &before.replace("ALTER ROLE gone IN DATABASE plain SET work_mem TO '1MB';\n", ""));
    let options = RestoreOptions::default().mode(RestoreMode::DrillOnly);
    let ended = room.engine.restore(&room.plan(owner), &options).await;
    done(&ended);
    assert!(ended.report.warnings.join("").contains("public.hidden"), "{:?}", ended.report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_with_and_without_the_roles_passwords_are_what_the_page_says() {
    let server = Postgres::start();
    let passwords = |user: &str| {
        let mut psql = server.command("psql");
        psql.args(["-w", "-Atc", "SELECT count(rolpassword) FROM pg_authid"]).env("PGUSER", user);
        let output = psql.env("PGPASSFILE", "/dev/null").env("PGPASSWORD", "secret").output().unwrap();
        String::from_utf8(output.stdout)
    };
    server.sql("postgres", &grants("restore"));
    server.sql("postgres", "CREATE DATABASE rights OWNER restore");
    let of = |user: &str, more| {
        let mut spec = spec(&server, json!({ "user": user, "password": "secret" }));
        merge(&mut spec, more);
        spec
    };
    let one = json!({ "database": "rights" });
    server.sql("rights", "SET ROLE restore; CREATE TABLE t (id serial); INSERT INTO t DEFAULT VALUES");
    server.sql("rights", &grants("backup without passwords"));
    server.sql("rights", "SET ROLE restore; CREATE TABLE later (id serial)");
    let (room, before) = (Room::new(), server.dump("rights"));
    assert_eq!(passwords("backup").unwrap(), "");
    done(&room.backup(of("backup", one.clone())).await);
    done(&room.restored(of("restore", one)).await);
    assert_eq!(server.dump("rights"), before);
    done(&room.backup(of("backup", json!({ "database": "rights" }))).await);
    server
        .sql("rights", "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM backup; DROP OWNED BY backup; DROP ROLE backup");
    server.sql("postgres", &grants("backup"));
    assert_eq!(passwords("backup").unwrap().trim(), "3", "all of them");
    done(&room.backup(of("backup", json!({}))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_suffice_for_all_databases() {
    let (source, fresh) = (Postgres::start(), Postgres::start());
    source.sql("postgres", &grants("backup"));
    source.sql("postgres", "CREATE ROLE app LOGIN PASSWORD 'a'; CREATE DATABASE shop OWNER app");
    source.sql("shop", "CREATE TABLE t AS SELECT 1 AS v; ALTER TABLE t OWNER TO app");
    fresh.sql("postgres", &grants("restore of all databases"));
    let room = Room::new();
    let of = |server: &Postgres, user: &str| spec(server, json!({ "user": user, "password": "secret" }));
    done(&room.backup(of(&source, "backup")).await);
    done(&room.restored(of(&fresh, "restore_all")).await);
    assert_eq!(fresh.dump("shop"), source.dump("shop"));
    let password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'";
    assert_eq!(fresh.sql("postgres", password), source.sql("postgres", password));
}

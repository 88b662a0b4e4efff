//! Mistakes, each with its own error, before anything starts.

use std::time::{Duration, Instant};

use bahub_core::engine::RunErrorKind;
use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::Postgres;
use serde_json::{Value, json};

use super::support::{Room, SHARED, done, failure_text, in_place, merge, spec};

async fn refused(more: Value, words: &[&str]) {
    let room = Room::new();
    let mut all = spec(&SHARED, json!({ "database": "postgres" }));
    merge(&mut all, more);
    let began = Instant::now();
    let ended = room.backup(all).await;
    assert!(began.elapsed() < Duration::from_secs(11));
    let message = failure_text(&ended);
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight, "{message}");
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert!(!message.contains("no help"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_has_its_own_error() {
    SHARED.sql("postgres", "CREATE DATABASE preflight; CREATE ROLE poor LOGIN PASSWORD 'poor'");
    SHARED.sql("preflight", "CREATE TABLE \"sec ret\" (); CREATE TABLE open (); GRANT SELECT ON open TO poor");
    let unreachable = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(json!({ "host": "no-such-host.invalid" }), &["name cannot be resolved", "`host`"]).await;
    refused(json!({ "port": unreachable }), &["cannot be reached", "`port`"]).await;
    refused(json!({ "password": "wrong-password" }), &["login was refused", "`password`"]).await;
    refused(json!({ "user": "nobody" }), &["login was refused"]).await;
    refused(json!({ "sslmode": "require" }), &["encrypted", "`sslmode`"]).await;
    refused(json!({ "database": "no such database" }), &["no database of that name", "no such database"]).await;
    let poor = |more: Value| {
        let mut spec = json!({ "user": "poor", "password": "poor" });
        merge(&mut spec, more);
        spec
    };
    refused(poor(json!({ "database": "preflight" })), &["may not read", "sec ret", "docs/adapters/postgres_dump.md"])
        .await;
    refused(poor(json!({ "database": "" })), &["pg_authid", "globals: false"]).await;
    refused(poor(json!({ "database": "", "globals": false })), &["pg_read_all_data"]).await;
    // A server that drops packets: an address reserved for documentation.
    refused(json!({ "host": "192.0.2.1" }), &["`host`"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_to_create_or_rename_databases_are_reported_before_anything_is_touched() {
    SHARED.sql("postgres", "CREATE ROLE owner LOGIN PASSWORD 'o'; CREATE ROLE maker LOGIN CREATEDB PASSWORD 'm'");
    SHARED.sql("postgres", "CREATE DATABASE owned OWNER owner");
    SHARED.sql(
        "owned",
        "SET ROLE owner; CREATE TABLE t (v int); INSERT INTO t VALUES (1); RESET ROLE; GRANT SELECT ON t TO maker",
    );
    let of = |user: &str| spec(&SHARED, json!({ "user": user, "password": user[..1], "database": "owned" }));
    let room = Room::new();
    done(&room.backup(of("owner")).await);
    let refused = room.restored(of("owner")).await;
    assert!(
        failure_text(&refused).contains("may not create databases")
            && failure_text(&refused).contains("restore in place")
    );
    let refused = room.restored(of("maker")).await;
    assert!(failure_text(&refused).contains("does not own the database owned"), "{}", failure_text(&refused));
    SHARED.sql("owned", "INSERT INTO t VALUES (2)");
    done(&room.restore(of("owner"), in_place()).await);
    assert_eq!(SHARED.sql("owned", "TABLE t"), "1");
    let folder =
        room.restore(of("owner"), bahub_core::replay::ReplayTarget::at(RestoreTarget::Directory("/x".into()))).await;
    assert!(failure_text(&folder).contains("restore under another name"));
}

/// PgBouncer in front of the shared server; killed when dropped.
struct Pooler {
    _folder: tempfile::TempDir,
    port: u16,
    child: std::process::Child,
}

impl Pooler {
    fn start(mode: &str) -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let password = Postgres::PASSWORD.replace('\'', "''");
        let config = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres password='{password}'\n\
             [pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\nauth_type=any\npool_mode={mode}\n\
             ignore_startup_parameters=extra_float_digits\n",
            SHARED.port()
        );
        std::fs::write(&config, text).unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program =
            if std::path::Path::new("/usr/sbin/pgbouncer").exists() { "/usr/sbin/pgbouncer" } else { "pgbouncer" };
        let child = std::process::Command::new(program).args(["-q", "-u", "postgres"]).arg(&config).spawn().unwrap();
        let mut pooler = Self { _folder: folder, port, child };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(pooler.child.try_wait().unwrap().is_none(), "pgbouncer has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused_and_one_of_whole_sessions_is_not() {
    SHARED.sql("postgres", "CREATE DATABASE pooled");
    SHARED.sql("pooled", "CREATE TABLE t AS SELECT 1 AS v");
    let (sessions, shared) = (Pooler::start("session"), Pooler::start("transaction"));
    let through =
        |pooler: &Pooler| spec(&SHARED, json!({ "database": "pooled", "port": pooler.port, "sslmode": "disable" }));
    let room = Room::new();
    done(&room.backup(through(&sessions)).await);
    for refused in [room.backup(through(&shared)).await, room.restored(through(&shared)).await] {
        let text = failure_text(&refused);
        assert!(
            text.starts_with("Preflight") && text.contains("pooler") && text.contains("pool_mode = session"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_superuser_can_back_up_is_named() {
    SHARED.sql(
        "postgres",
        "CREATE DATABASE hidden; CREATE ROLE peeker LOGIN BYPASSRLS PASSWORD 'p'; GRANT pg_read_all_data TO peeker",
    );
    SHARED.sql("hidden", "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; \
        CREATE USER MAPPING FOR postgres SERVER far OPTIONS (password 'x'); \
        CREATE SUBSCRIPTION feeds CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, slot_name = NONE)");
    let named = |warnings: &[String]| {
        let warnings = warnings.join("\n");
        warnings.contains("subscriptions: feeds") && warnings.contains("postgres on far")
    };
    for more in [json!({ "database": "hidden" }), json!({ "databases": ["hidden"] })] {
        for (user, password, is_named) in [("peeker", "p", true), ("postgres", Postgres::PASSWORD, false)] {
            let mut spec = spec(&SHARED, json!({ "user": user, "password": password }));
            merge(&mut spec, more.clone());
            let made = Room::new().backup(spec).await;
            done(&made);
            assert_eq!(named(&made.report.warnings), is_named, "{user}: {:?}", made.report.warnings);
        }
    }
    // Of all databases of the server they stand in the way.
    SHARED.sql("hidden", "DROP SUBSCRIPTION feeds");
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_tables_that_do_not_exist_are_reported() {
    SHARED.sql("postgres", "CREATE DATABASE misspelt");
    SHARED.sql("misspelt", "CREATE TABLE sessions (); CREATE SCHEMA s; CREATE TABLE s.t ()");
    let ended = Room::new()
        .backup(spec(
            &SHARED,
            json!({ "database": "misspelt", "exclude_tables": ["Sessions", "s.t", "no*", "t", "sesions"] }),
        ))
        .await;
    done(&ended);
    let warnings = ended.report.warnings;
    assert!(warnings.iter().any(|warning| warning.ends_with("do not exist: t, sesions")), "{warnings:?}");
}

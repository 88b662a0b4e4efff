//! The modes of `tls`, against a server with and one without a certificate.

use bahub_core::engine::RunErrorKind;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::MariaDb;
use serde_json::json;

use super::support::{Room, SHARED, done, failure_text, merge, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_encryption_is_refused_where_it_is_asked_for() {
    let room = Room::new();
    SHARED.sql("CREATE DATABASE plain; CREATE TABLE plain.t (v INT);");
    done(&room.backup(spec(&SHARED, json!({ "database": "plain" }))).await);
    for mode in ["require", "verify"] {
        let spec = spec(&SHARED, json!({ "database": "plain", "tls": { "mode": mode } }));
        for ended in [room.backup(spec.clone()).await, room.restore(spec, RestoreTarget::Original).await] {
            assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight, "{}", failure_text(&ended));
            assert!(failure_text(&ended).contains("`tls`"), "{}", failure_text(&ended));
        }
    }
}

/// It ignores the case of names, and writes a binary log, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_is_used_with_encryption() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let server = MariaDb::start_with(&[
        &format!("--ssl-cert={}", certificate.display()),
        &format!("--ssl-key={}", key.display()),
        "--require-secure-transport",
        "--lower-case-table-names=1",
        "--log-bin",
        "--server-id=1",
    ]);
    names_in_other_letters(&server, &certificate).await;
    binary_log(&server).await;
    let plain = spec(&server, json!({ "database": "d", "tls": { "mode": "disable" } }));
    let ended = Room::new().backup(plain).await;
    assert!(failure_text(&ended).contains("whether the server wants encryption (`tls`)"), "{}", failure_text(&ended));
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (v INT);");
    for tls in [json!({ "mode": "require" }), json!({ "mode": "verify", "ca": certificate })] {
        let mut spec = spec(&server, json!({ "database": "d" }));
        merge(&mut spec, json!({ "tls": tls }));
        let room = Room::new();
        done(&room.backup(spec.clone()).await);
        server.sql("DROP TABLE d.t;");
        done(&room.restore(spec, RestoreTarget::Original).await);
        server.sql("SELECT * FROM d.t;");
    }
}

/// The server spells a database in small letters whatever the spec does: nothing of it is lost.
async fn names_in_other_letters(server: &MariaDb, certificate: &std::path::Path) {
    server.sql(
        "CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t; \
         CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @x = 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @x = 1; \
         CREATE TABLE aria (id INT) ENGINE = Aria; CREATE DATABASE blog; CREATE TABLE blog.t (id INT); CREATE VIEW blog.v AS SELECT * FROM shop.v;",
    );
    let before = server.dump(&["shop", "blog"]);
    for scope in [json!({ "database": "Shop" }), json!({ "databases": ["SHOP", "blog"] })] {
        let mut spec = spec(server, scope.clone());
        merge(&mut spec, json!({ "tls": { "mode": "verify", "ca": certificate } }));
        let room = Room::new();
        let made = room.backup(spec.clone()).await;
        done(&made);
        assert!(made.report.warnings.iter().any(|warning| warning.contains("shop.aria")), "{:?}", made.report.warnings);
        for in_place in [false, true] {
            server.sql("DROP TRIGGER shop.tr; DROP EVENT shop.e; DELETE FROM shop.t;");
            let target = ReplayTarget { in_place, ..ReplayTarget::default() };
            done(&room.restore_to(spec.clone(), target).await);
            assert!(server.dump(&["shop", "blog"]) == before);
        }
        if scope["database"].is_string() {
            done(&room.restore(spec, RestoreTarget::Database("Copy".into())).await);
            assert_eq!(
                server
                    .sql("SELECT COUNT(*) FROM copy.v; SHOW TRIGGERS FROM copy LIKE 't'; DROP DATABASE copy;")
                    .matches("tr\tINSERT")
                    .count(),
                1
            );
        }
    }
}

/// The real message of a server that writes a binary log is explained.
async fn binary_log(server: &MariaDb) {
    server.sql("CREATE USER maker@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO maker@'%'; REVOKE SUPER, BINLOG ADMIN ON *.* FROM maker@'%';");
    let mut spec = spec(server, json!({ "database": "shop", "user": "maker", "password": "pw" }));
    merge(&mut spec, json!({ "tls": { "mode": "require" } }));
    let room = Room::new();
    done(&room.backup(spec.clone()).await);
    let ended = room.restore(spec, RestoreTarget::Original).await;
    let text = failure_text(&ended);
    assert!(
        text.contains("ERROR 1419")
            && text.contains("log_bin_trust_function_creators")
            && text.contains("are as they were"),
        "{text}"
    );
    // What the administrator himself may not do: a function that declares nothing, made while that was allowed.
    server.sql(
        "CREATE DATABASE lax; CREATE TABLE lax.t (v INT); SET GLOBAL log_bin_trust_function_creators = ON; \
        CREATE FUNCTION lax.f() RETURNS INT RETURN 1; SET GLOBAL log_bin_trust_function_creators = OFF;",
    );
    let spec = super::support::spec(server, json!({ "database": "lax", "tls": { "mode": "require" } }));
    done(&room.backup(spec.clone()).await);
    let text = failure_text(&room.restore(spec, RestoreTarget::Original).await);
    assert!(text.contains("ERROR 1418") && text.contains("log_bin_trust_function_creators = ON"), "{text}");
    assert_eq!(server.sql("SELECT lax.f();").trim(), "1");
}

//! The modes of `tls`, against a server with and one without a certificate.

use bahub_core::engine::RunErrorKind;
use bahub_core::replay::RestoreTarget;
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
    ]);
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

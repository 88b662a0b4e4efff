//! Five mistakes, five errors, before anything starts.

use std::time::{Duration, Instant};

use bahub_core::engine::RunErrorKind;
use serde_json::{Value, json};

use super::support::{Room, SHARED, failure_text, merge, spec};

async fn refused(more: Value, words: &[&str]) {
    let room = Room::new();
    let mut all = spec(&SHARED, json!({}));
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
    SHARED.sql(
        "CREATE DATABASE preflight; CREATE TABLE preflight.t (id INT); CREATE USER poor@'%' IDENTIFIED BY 'poor'; \
         GRANT SELECT, SHOW VIEW, EVENT ON preflight.* TO poor@'%';",
    );
    let unreachable = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(json!({ "host": "no-such-host.invalid" }), &["name cannot be resolved", "`host`"]).await;
    refused(json!({ "port": unreachable }), &["cannot be reached", "`port`"]).await;
    refused(json!({ "password": "wrong-password" }), &["login was refused", "`password`"]).await;
    refused(json!({ "user": "nobody" }), &["login was refused"]).await;
    refused(json!({ "database": "no such database" }), &["no database of that name", "no such database"]).await;
    refused(
        json!({ "user": "poor", "password": "poor", "database": "preflight" }),
        &[
            "Preflight: the user lacks TRIGGER, SELECT ON mysql.proc, without which",
            "GRANT TRIGGER ON `preflight`.* TO `poor`@",
            "docs/adapters/mysql.md",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_tables_that_do_not_exist_are_reported() {
    SHARED.sql("CREATE DATABASE misspelt; CREATE TABLE misspelt.Sessions (v INT);");
    let ended = Room::new()
        .backup(spec(&SHARED, json!({ "database": "misspelt", "exclude_tables": ["sessions", "sesions"] })))
        .await;
    super::support::done(&ended);
    let warnings = ended.report.warnings;
    assert!(warnings.iter().any(|warning| warning.ends_with("do not exist: misspelt.sesions")), "{warnings:?}");
}

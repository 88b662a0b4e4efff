//! The suites of the testkit, and names with troublesome characters.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::adapter::Findings;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use bahub_testkit::fixtures::Postgres;
use proptest::prelude::*;
use serde_json::json;

use super::support::{Room, SHARED, adapter, done, spec};

/// The database `a`.
const LIST: &str = "2 61 4352454154452044415441424153452078";

#[test]
fn the_postgres_dump_adapter_conforms() {
    let secret = "s3cret'\"\\ #";
    let findings = [("databases", LIST), ("postgres server", "15.18")];
    let findings = Findings(findings.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect());
    for more in [json!({}), json!({ "database": "sh'op" }), json!({ "databases": ["a", "--b"], "globals": true })] {
        let mut spec = json!({ "host": "h'o st", "user": "u'ser", "password": secret });
        super::support::merge(&mut spec, more);
        let context = AdapterContext {
            secrets: vec![secret.into()],
            values: vec!["h'o st".into(), "u'ser".into(), "sh'op".into()],
            findings: vec![findings.clone()],
        };
        let report = conformance::adapter(&adapter(spec), &context);
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ALL);
    }
}

/// A database on its own server, whose roles no other test changes, and its original content.
struct Shop {
    server: Postgres,
    before: std::sync::OnceLock<String>,
}

const SHOP: &str = "conformance shop";

#[async_trait]
impl LiveData for Shop {
    async fn prepare(&self) {
        self.server.sql("postgres", &format!("CREATE DATABASE \"{SHOP}\""));
        self.server.sql(SHOP, "CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 5000) n; CREATE VIEW v AS SELECT count(*) FROM t");
        self.before.set(self.server.dump(SHOP)).unwrap();
    }

    async fn wipe(&self) {
        self.server.sql("postgres", &format!("DROP DATABASE \"{SHOP}\""));
    }

    async fn compare(&self) -> Result<(), String> {
        if self.server.sql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{SHOP}'")).is_empty() {
            return Err("the database is gone".into());
        }
        let now = self.server.dump(SHOP);
        if self.before.get() == Some(&now) { Ok(()) } else { Err("the dumps differ".into()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_dump_adapter_goes_there_and_back() {
    let shop = Shop { server: Postgres::start(), before: Default::default() };
    let adapter = Arc::new(adapter(spec(&shop.server, json!({ "databases": [SHOP], "globals": true }))));
    let how = RoundTrip { secrets: vec![Postgres::PASSWORD.into()], ..RoundTrip::default() };
    let report = conformance::adapter_round_trip(adapter, &shop, &how).await;
    report.assert_conforms();
    assert_eq!(report.held(), adapter_claim::ROUND_TRIP);
}

/// Names of at most 63 bytes, made of troublesome characters.
fn names() -> impl Strategy<Value = String> {
    let parts = [
        "'", "\"", "\\", "$", "$$", "\n", "\r", "\t", " ", "-", "--", ";", ":", ":x", "=", "%", "`", "🙂", "é", "a",
        "B", ".", "/", "{", "\u{1}", "*", "?",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 1..12).prop_map(|parts| parts.concat())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(value: &str) -> String {
    format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::with_cases(5) })]

    #[test]
    fn whatever_things_are_called_they_come_back(database in names(), other in names(), user in names(), password in names(), table in names(), value in names()) {
        let password = password.replace(['\n', '\r'], "n");
        let named = |name: &str| name.chars().take(8).collect::<String>() + &bahub_testkit::fixtures::unique();
        let (user, database, other) = (named(&user), named(&database), named(&other));
        SHARED.sql("postgres", &format!("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}", quoted(&user), text(&password)));
        SHARED.sql("postgres", &format!("CREATE DATABASE {} OWNER {}", quoted(&database), quoted(&user)));
        SHARED.sql("postgres", &format!("COMMENT ON DATABASE {} IS {}; ALTER DATABASE {} SET my.value TO {}", quoted(&database), text(&value), quoted(&database), text(&value)));
        let rows = format!("SELECT string_agg(v, '|') FROM {}", quoted(&table));
        SHARED.sql(&database, &format!("CREATE TABLE {} (v text); INSERT INTO {} VALUES ({})", quoted(&table), quoted(&table), text(&value)));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for more in [json!({ "database": database }), json!({ "databases": [database] })] {
            let room = Room::new();
            let mut spec = spec(&SHARED, more);
            super::support::merge(&mut spec, json!({ "user": user, "password": password }));
            done(&runtime.block_on(room.backup(spec.clone())));
            done(&runtime.block_on(room.restored(spec.clone())));
            prop_assert_eq!(SHARED.sql(&database, &rows), SHARED.sql("postgres", &format!("SELECT {}", text(&value))));
            let into = ReplayTarget { location: RestoreTarget::Database(other.clone()), members: if spec["databases"].is_array() { vec![database.clone().into()] } else { Vec::new() }, ..ReplayTarget::default() };
            done(&runtime.block_on(room.restore(spec, into)));
            SHARED.sql("postgres", &format!("DROP DATABASE {}", quoted(&other)));
        }
        let comment = format!("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = {}", text(&database));
        prop_assert_eq!(SHARED.sql("postgres", &comment), SHARED.sql("postgres", &format!("SELECT {}", text(&value))));
        SHARED.sql("postgres", &format!("DROP DATABASE {}; DROP ROLE {}", quoted(&database), quoted(&user)));
    }
}

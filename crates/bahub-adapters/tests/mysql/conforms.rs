//! The suites of the testkit.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::adapter::{Adapter, Findings};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored};
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use bahub_testkit::fixtures::MariaDb;
use proptest::prelude::*;
use serde_json::json;

use super::support::{SHARED, adapter, spec};

fn findings(pairs: &[(&str, &str)]) -> Findings {
    Findings(pairs.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect())
}

#[test]
fn the_mysql_adapter_conforms() {
    let secret = "s3cret'\"\\ #";
    let mariadb = findings(&[("mysql server", "10.11.19-MariaDB"), ("databases", "2 61 2D2D62")]);
    let mysql = findings(&[
        ("mysql server", "8.0.36"),
        ("mysql dump", "mysqldump  Ver 8.0.36 for Linux"),
        ("databases", "1 61"),
    ]);
    for more in
        [json!({}), json!({ "database": "sh'op" }), json!({ "databases": ["a", "--b"], "users": true, "lock": true })]
    {
        let mut spec = json!({ "host": "h'o st", "user": "u'ser", "password": secret });
        super::support::merge(&mut spec, more);
        let context = AdapterContext {
            secrets: vec![secret.into()],
            values: vec!["h'o st".into(), "u'ser".into(), "sh'op".into()],
            findings: vec![mariadb.clone(), mysql.clone()],
        };
        let report = conformance::adapter(&adapter(spec), &context);
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ALL);
    }
}

/// Facts about a version that a restore decides by.
#[test]
fn what_cannot_be_read_whole_or_does_not_fit_is_refused() {
    let adapter = adapter(json!({ "host": "h", "user": "u" }));
    let found = |more: (&str, &str)| findings(&[("mysql server", "10.11.19-MariaDB"), ("databases", "1 61"), more]);
    assert!(adapter.capture(&found(("views", "2 61 62"))).is_ok());
    for list in [
        "databases",
        "views",
        "views that others use",
        "views that no longer work",
        "system-versioned tables",
        "tables that no transaction covers",
    ] {
        let cut = adapter.capture(&found((list, "4 61 62 6")));
        assert!(cut.unwrap_err().what.contains(&format!("list of {list} is too long")), "{list}");
    }
    let replay = |layout: &str, server: &str| {
        let record =
            [("layout", layout), ("form", "several"), ("databases", "1 61"), ("users", "yes"), ("server", server)];
        let record = record.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        adapter.replay(&ReplayTarget::default(), &found(("active roles", "0")), &Stored { record, ..Stored::default() })
    };
    let has_users = |replay: &Replay| replay.segments.iter().any(|segment| segment.name == "users");
    assert!(has_users(&replay("3", "MariaDB 10.11.14").unwrap()));
    let other = replay("3", "MySQL 9.7.4").unwrap();
    assert!(
        !has_users(&other)
            && other.notices.iter().any(|notice| notice.contains("users, roles and grants were not restored"))
    );
    // Its segments would be passed over.
    assert!(replay("4", "MariaDB 10.11.14").unwrap_err().what.contains("layout 4"));
    let cut = adapter.replay(
        &ReplayTarget::default(),
        &found(("foreign keys of other databases", "3 61")),
        &Stored::default(),
    );
    assert!(cut.is_err());
}

/// A database of the shared server, and what was in it.
struct Shop {
    before: std::sync::OnceLock<String>,
}

const SHOP: &str = "conformance shop";

#[async_trait]
impl LiveData for Shop {
    async fn prepare(&self) {
        SHARED.sql(&format!(
            "CREATE DATABASE `{SHOP}` CHARACTER SET latin1; USE `{SHOP}`; CREATE TABLE t (id INT PRIMARY KEY, v TEXT); \
             INSERT INTO t SELECT seq, MD5(seq) FROM seq_1_to_5000; CREATE VIEW v AS SELECT COUNT(*) AS n FROM t;"
        ));
        self.before.set(SHARED.dump(&[SHOP])).unwrap();
    }

    async fn wipe(&self) {
        SHARED.sql(&format!("DROP DATABASE `{SHOP}`;"));
    }

    async fn compare(&self) -> Result<(), String> {
        if SHARED.sql(&format!("SHOW DATABASES LIKE '{SHOP}'")).is_empty() {
            return Err("the database is gone".into());
        }
        let now = SHARED.dump(&[SHOP]);
        if self.before.get() == Some(&now) { Ok(()) } else { Err("the dumps differ".into()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mysql_adapter_goes_there_and_back() {
    let adapter = Arc::new(adapter(spec(&SHARED, json!({ "databases": [SHOP], "users": true }))));
    let how = RoundTrip { secrets: vec![MariaDb::ROOT_PASSWORD.into()], ..RoundTrip::default() };
    let report = conformance::adapter_round_trip(adapter, &Shop { before: Default::default() }, &how).await;
    report.assert_conforms();
    assert_eq!(report.held(), adapter_claim::ROUND_TRIP);
}

/// Names made of troublesome characters; no identifier may contain one beyond the Basic Multilingual Plane.
fn names() -> impl Strategy<Value = String> {
    let parts = [
        "'", "\"", "\\", "$", "$$", "\n", "\r", "\t", "-", "--", ";", ":", "=", "%", "`", "é", "a", "B", ".", "/", "{",
        "\u{1}", "*", "?", "_", "#", "\\.",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 1..8).prop_map(|parts| parts.concat())
}

fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn text(value: &str) -> String {
    format!("CONVERT(X'{}' USING utf8mb4)", value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn whatever_things_are_called_they_come_back(database in names(), other in names(), user in names(), password in names(), table in names(), value in names()) {
        let named = |name: &str| name.chars().take(20).collect::<String>() + &bahub_testkit::fixtures::unique();
        let (user, database, other, value) = (named(&user), named(&database), named(&other), value + "🙂");
        let table = format!("{table}x");
        // A statement takes no expression for a password or an account: another statement inserts both.
        SHARED.sql(&format!(
            "SET @make = CONCAT('CREATE USER ', QUOTE({}), '@\\'%\\' IDENTIFIED BY ', QUOTE({})); PREPARE make FROM @make; EXECUTE make; \
             SET @give = CONCAT('GRANT ALL ON *.* TO ', QUOTE({}), '@\\'%\\' WITH GRANT OPTION'); PREPARE give FROM @give; EXECUTE give;",
            text(&user), text(&password), text(&user)
        ));
        SHARED.sql(&format!("CREATE DATABASE {0} CHARACTER SET utf8mb4; CREATE TABLE {0}.{1} (v TEXT); INSERT INTO {0}.{1} VALUES ({2});", ident(&database), ident(&table), text(&value)));
        let rows = |database: &str| SHARED.sql(&format!("SELECT COUNT(*) FROM {}.{} WHERE v = {};", ident(database), ident(&table), text(&value)));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for more in [json!({ "database": database }), json!({ "databases": [database] })] {
            let room = super::support::Room::new();
            let mut spec = spec(&SHARED, more);
            super::support::merge(&mut spec, json!({ "user": user, "password": password }));
            super::support::done(&runtime.block_on(room.backup(spec.clone())));
            SHARED.sql(&format!("DELETE FROM {}.{};", ident(&database), ident(&table)));
            super::support::done(&runtime.block_on(room.restore(spec.clone(), RestoreTarget::Original)));
            let back = rows(&database);
            prop_assert_eq!(back.trim(), "1");
            if spec["database"].is_string() {
                super::support::done(&runtime.block_on(room.restore(spec, RestoreTarget::Database(other.clone()))));
                let back = rows(&other);
                prop_assert_eq!(back.trim(), "1");
            }
        }
        SHARED.sql(&format!("DROP DATABASE {}; DROP DATABASE {};", ident(&database), ident(&other)));
    }
}

//! A server with one of everything, restored to a fresh one.

use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::MariaDb;
use serde_json::json;

use super::support::{Room, done, spec};

/// One of everything that a MariaDB database can contain.
const MUSEUM: &str = include_str!("museum.sql");
/// Accounts of every kind.
const ACCOUNTS: &str = include_str!("accounts.sql");

const DATABASES: [&str; 3] = ["museum", "we`ird \"näme\" $(x)", "zoo"];

fn source() -> MariaDb {
    let server = MariaDb::start();
    server.sql(MUSEUM);
    server.sql(ACCOUNTS);
    // A name that would end a line and begin a statement if it were not escaped.
    let evil = "`t\nCREATE USER root@localhost IDENTIFIED BY 'p';#\\\\n\tx`";
    server.sql(&format!(
        "CREATE TABLE museum.{evil} (id INT); CREATE USER ann@'%'; GRANT SELECT ON museum.{evil} TO ann@'%';"
    ));
    server
}

/// How the server describes its accounts, except root's and its own.
fn accounts(server: &MariaDb) -> String {
    let names = "SELECT CONCAT('`', REPLACE(user, '`', '``'), '`', IF(is_role = 'Y', '', CONCAT('@`', host, '`'))) FROM mysql.user \
                 WHERE user NOT IN ('root', 'mariadb.sys', 'PUBLIC') ORDER BY 1";
    let names = server.sql(names);
    let ask = |name: &str| {
        let create = if name.contains('@') { format!("SHOW CREATE USER {name};") } else { String::new() };
        server.sql(&format!("{create} SHOW GRANTS FOR {name};"))
    };
    names.lines().map(ask).collect()
}

fn logs_in(server: &MariaDb, user: &str, password: &str) -> bool {
    let status = std::process::Command::new("mariadb")
        .args(["--no-defaults", "-h127.0.0.1", &format!("-P{}", server.port()), &format!("-u{user}"), "-e", "SELECT 1"])
        .env("MYSQL_PWD", password)
        .output()
        .unwrap();
    status.status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_on_a_fresh_server_and_again_on_the_old_one() {
    let (source, fresh, room) = (source(), MariaDb::start(), Room::new());
    let (before, grants) = (source.dump(&DATABASES), accounts(&source));
    assert!(before.contains("CREATE DEFINER") && grants.contains("GRANT PROXY"), "the museum has its pieces");
    let backup = room.backup(spec(&source, json!({}))).await;
    done(&backup);
    assert!(
        backup.report.warnings.iter().any(|warning| warning.contains("museum.aria_table")),
        "{:?}",
        backup.report.warnings
    );
    assert!(backup.report.tools.keys().any(|name| name == "mysql dump"), "{:?}", backup.report.tools);
    for server in [&fresh, &fresh, &source] {
        server.sql(
            "CREATE DATABASE IF NOT EXISTS museum; CREATE OR REPLACE TABLE museum.newer (id INT); \
             CREATE USER IF NOT EXISTS reader@'%'; ALTER USER reader@'%' IDENTIFIED BY 'now';",
        );
        done(&room.restore(spec(server, json!({})), RestoreTarget::Original).await);
        let after = server.dump(&DATABASES);
        assert!(after == before, "{}", first_difference(&before, &after));
        assert_eq!(accounts(server), grants);
        assert_eq!(server.sql("SELECT COUNT(*) FROM museum.million;").trim(), "1000000");
        assert_eq!(server.sql("SELECT COUNT(*) FROM information_schema.events;").trim(), "2");
        assert!(logs_in(server, "reader", "re'ad\"er\\pw"), "a user can log in");
        assert!(!logs_in(server, "reader", "now"), "the password of the backup comes back");
    }
    // Both `sql` and the restores logged in as root with its own password all along.
    assert_eq!(fresh.sql("SELECT CURRENT_USER();").trim(), "root@localhost");
}

fn first_difference(left: &str, right: &str) -> String {
    let mut lines = left.lines().zip(right.lines()).enumerate();
    let (number, (left, right)) = lines.find(|(_, (left, right))| left != right).unwrap_or_default();
    format!("line {number}:\n{:.400}\n{:.400}", left, right)
}

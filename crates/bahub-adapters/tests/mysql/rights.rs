//! Exactly the grants that docs/adapters/mysql.md names.

use bahub_core::engine::{RestoreMode, RestoreOptions, RunOutcome};
use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::MariaDb;
use serde_json::{Value, json};

use super::support::{Room, SHARED, done, failure_text, merge, spec};

const DOCUMENTED: &str = include_str!("../../../../docs/adapters/mysql.md");

/// The statements of the documentation between these marks.
fn grants(of: &str) -> String {
    let (_, rest) = DOCUMENTED.split_once(&format!("<!-- grants: {of} -->\n```sql\n")).expect("the page has them");
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice() {
    SHARED.sql(
        "CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t; \
         CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id; CREATE PROCEDURE p() SELECT 1; \
         CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1;",
    );
    SHARED.sql(&grants("backup"));
    SHARED.sql(&grants("restore"));
    let before = SHARED.dump(&["shop"]);
    let room = Room::new();
    let backup = json!({ "user": "backup", "password": "secret", "database": "shop" });
    let restore = json!({ "user": "restore", "password": "secret", "database": "shop" });
    done(&room.backup(spec(&SHARED, backup)).await);
    SHARED.sql("DROP DATABASE shop;");
    done(&room.restore(spec(&SHARED, restore), RestoreTarget::Original).await);
    let after = SHARED.dump(&["shop"]);
    assert!(after == before, "{before}\n----\n{after}");
}

/// The spec of a user of the documentation.
fn of(server: &MariaDb, user: &str, more: Value) -> Value {
    let mut of = json!({ "user": user, "password": "secret" });
    merge(&mut of, more);
    spec(server, of)
}

async fn looked_at(room: &Room, spec: Value, mode: RestoreMode) -> RunOutcome {
    room.engine.restore(&room.plan(spec), &RestoreOptions::default().mode(mode)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice_for_several_and_for_looking_first() {
    let (server, room) = (MariaDb::start(), Room::new());
    server.sql("CREATE DATABASE shop; CREATE TABLE shop.t (v INT); INSERT INTO shop.t VALUES (1); CREATE DATABASE blog; CREATE TABLE blog.t (v INT);");
    for of in ["backup", "restore"] {
        let (user, grants) =
            grants(of).split_once(";\n").map(|(user, grants)| (user.to_owned(), grants.to_owned())).unwrap();
        server.sql(&format!("{user}; {grants} {}", grants.replace("shop.*", "blog.*")));
    }
    let several = json!({ "databases": ["shop", "blog"] });
    done(&room.backup(of(&server, "backup", several.clone())).await);
    server.sql("DROP DATABASE blog; DROP TABLE shop.t;");
    done(&room.restore(of(&server, "restore", several), RestoreTarget::Original).await);
    server.sql("SELECT * FROM shop.t; SELECT * FROM blog.t;");

    let shop = json!({ "database": "shop" });
    done(&room.backup(of(&server, "backup", shop.clone())).await);
    let restorer = of(&server, "restore", shop);
    let refused = room.restore(restorer.clone(), RestoreTarget::Database("shop_copy".into())).await;
    assert!(failure_text(&refused).contains("lacks a right"), "{}", failure_text(&refused));
    assert!(
        !refused.report.warnings.iter().any(|warning| warning.contains("cannot remove")),
        "{:?}",
        refused.report.warnings
    );
    server.sql(&grants("restore elsewhere"));
    done(&looked_at(&room, restorer.clone(), RestoreMode::DrillOnly).await);
    done(&looked_at(&room, restorer.clone(), RestoreMode::ScratchFirst).await);
    done(&room.restore(restorer, RestoreTarget::Database("shop_copy".into())).await);
    assert_eq!(server.sql("SHOW DATABASES LIKE '%bahub%'; SELECT * FROM shop_copy.t;").trim(), "1");
}

/// A server with a role and a proxy, and accounts of its own.
fn with_accounts() -> MariaDb {
    let server = MariaDb::start();
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (v INT); CREATE ROLE reader; GRANT SELECT ON shop.* TO reader; \
         CREATE USER app@'%' IDENTIFIED BY 'x'; CREATE USER boss@'%'; GRANT PROXY ON app@'%' TO boss@'%'; GRANT reader TO app@'%'; \
         CREATE USER zed@'%'; GRANT INSERT ON shop.t TO zed@'%'; \
         CREATE USER mysql@localhost IDENTIFIED VIA unix_socket; GRANT ALL ON *.* TO mysql@localhost WITH GRANT OPTION;",
    );
    server.sql(&grants("backup of all"));
    server.sql(&grants("restore of all"));
    server
}

fn granted(server: &MariaDb) -> String {
    server.sql("SHOW GRANTS FOR app@'%'; SHOW GRANTS FOR boss@'%'; SHOW GRANTS FOR zed@'%'; SHOW GRANTS FOR reader;")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice_for_all_databases_with_their_users() {
    let (source, fresh, room) = (with_accounts(), MariaDb::start(), Room::new());
    fresh.sql(&grants("restore of all"));
    done(&room.backup(of(&source, "backup", json!({}))).await);
    for _ in 0..2 {
        let ended = room.restore(of(&fresh, "restore", json!({})), RestoreTarget::Original).await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        assert_eq!(granted(&fresh), granted(&source));
        assert_eq!(fresh.sql("SELECT COUNT(*) FROM mysql.user WHERE user IN ('mysql', 'PUBLIC');").trim(), "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_may_not_be_given_is_a_warning_and_the_others_follow() {
    let (server, room) = (with_accounts(), Room::new());
    done(&room.backup(of(&server, "backup", json!({}))).await);
    server.sql("REVOKE PROXY ON ''@'%' FROM restore@'%'; DROP USER boss@'%', zed@'%';");
    let ended = room.restore(of(&server, "restore", json!({})), RestoreTarget::Original).await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    for grant in ["GRANT PROXY ON 'app'@'%' TO 'boss'@'%' (Access denied", "GRANT `reader` TO `app`@`%` (Access denied"]
    {
        assert!(warnings.contains(&format!("and the others follow: {grant}")), "{warnings}");
    }
    assert_eq!(ended.report.warnings.len(), 2, "{warnings}");
    assert!(server.sql("SHOW GRANTS FOR zed@'%';").contains("GRANT INSERT ON `shop`.`t`"));
    // Nor does an account that cannot be created stop the others.
    server.sql("INSTALL SONAME 'auth_ed25519'; CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x');");
    done(&room.backup(of(&server, "backup", json!({}))).await);
    server.sql("DROP USER ed@'%', zed@'%'; UNINSTALL SONAME 'auth_ed25519';");
    let ended = room.restore(of(&server, "restore", json!({})), RestoreTarget::Original).await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    assert!(warnings.contains("CREATE USER IF NOT EXISTS `ed`@`%` (Plugin 'ed25519' is not loaded)"), "{warnings}");
    assert!(server.sql("SHOW GRANTS FOR zed@'%';").contains("GRANT INSERT ON `shop`.`t`"), "the others are there");
    // A version without a record of its parts can only be read as a whole.
    room.sink.put(room.engine.by_the_original(b"GRANT PROXY ON 'app'@'%' TO 'boss'@'%';\n-- Dump completed\n"));
    let ended = room.restore(of(&server, "restore", json!({})), RestoreTarget::Original).await;
    let message = failure_text(&ended);
    assert!(message.contains("one of the grants in the backup") && !message.contains("login"), "{message}");
}

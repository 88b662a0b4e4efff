//! Exactly the grants that docs/adapters/mysql.md names.

use bahub_core::engine::{RestoreMode, RestoreOptions, RunOutcome};
use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::{MariaDb, Release};
use serde_json::{Value, json};

use super::support::{Room, done, failure_text, merge, spec};

const DOCUMENTED: &str = include_str!("../../../../docs/adapters/mysql.md");

/// The statements of the documentation between these marks.
fn grants(of: &str) -> String {
    // What the page says of all databases.
    if of == "backup of all" {
        return grants("backup").replace("shop.*", "*.*");
    }
    if of == "restore elsewhere" {
        let (_, second) =
            grants("restore").split_once(";\n").map(|(user, grants)| (user.to_owned(), grants.to_owned())).unwrap();
        return second.split_once(";\n").unwrap().0.replace("shop.*", "shop_copy.*") + ";";
    }
    let (_, rest) = DOCUMENTED.split_once(&format!("<!-- grants: {of} -->\n```sql\n")).expect("the page has them");
    rest.split_once("```").unwrap().0.to_owned()
}

const SHOP: &str = "CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t; \
     CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id; CREATE DEFINER = gone@nowhere PROCEDURE p() SELECT 1; \
     CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES t (id)); CREATE PROCEDURE bound() SELECT COUNT(*) FROM shop . t; \
     CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1;";

/// Makes, drills and restores with the accounts of the documentation; a lost right is a refusal that names it.
async fn suffice(server: &MariaDb, suffix: &str, routines: &str) {
    server.sql(SHOP);
    for user in ["backup", "restore"] {
        server.sql(&(grants(user) + &grants(&format!("{user}{suffix}"))));
    }
    let before = server.dump(&["shop"]);
    assert!(before.contains("PROCEDURE `p`") && before.contains("FUNCTION `f`"), "{before}");
    let room = Room::with_client(server.release());
    let backup = of(server, "backup", json!({ "database": "shop" }));
    let restore = of(server, "restore", json!({ "database": "shop" }));
    done(&room.backup(backup.clone()).await);
    done(&looked_at(&room, restore.clone(), RestoreMode::DrillOnly).await);
    copies_are_isolated(server, &room, &restore, suffix).await;
    let rows = "SELECT COUNT(*) FROM mysql.procs_priv WHERE db <> 'shop';";
    assert_eq!(server.sql(rows).trim(), "0", "a drill leaves no rights behind");
    for lost in ["DROP DATABASE shop;", "DROP TABLE shop.child, shop.t; DROP FUNCTION shop.f;"] {
        server.sql(lost);
        done(&room.restore(restore.clone(), RestoreTarget::Original).await);
        let after = server.dump(&["shop"]);
        assert!(after == before, "{before}\n----\n{after}");
    }
    // A right that is missed when the old database is gone is asked for before, but one by a role cannot be.
    server.sql("REVOKE TRIGGER ON shop.* FROM restore@'%'; INSERT INTO shop.t VALUES (2);");
    let refused = failure_text(&room.restore(restore.clone(), RestoreTarget::Original).await);
    assert!(refused.starts_with("Unsupported: the user lacks TRIGGER"), "{refused}");
    assert_eq!(server.sql("SELECT COUNT(*) FROM shop.t;").trim(), "2");
    let on_mysql = server.release() == Release::MySql9;
    let default =
        if on_mysql { "SET DEFAULT ROLE nothing TO restore@'%';" } else { "SET DEFAULT ROLE nothing FOR restore@'%';" };
    server.sql(&format!("CREATE ROLE nothing; GRANT nothing TO restore@'%'; {default}"));
    let broken = room.restore(restore.clone(), RestoreTarget::Original).await;
    let text = failure_text(&broken);
    assert!(
        text.contains("unknown whether") && text.contains("__bahub_new_") && text.contains("restore again"),
        "{text}"
    );
    assert!(!text.contains("are as they were"), "{text}");
    server.sql("GRANT TRIGGER ON shop.* TO restore@'%';");
    done(&room.restore(restore.clone(), RestoreTarget::Original).await);
    assert!(server.dump(&["shop"]) == before, "a second restore completes it");
    // What only a role may grant is no reason to refuse.
    let default = default.replace("restore@", "backup@");
    server.sql(&format!("REVOKE TRIGGER ON shop.* FROM backup@'%'; GRANT nothing TO backup@'%'; {default}"));
    let made = room.backup(backup.clone()).await;
    done(&made);
    let warned = |made: &RunOutcome| {
        made.report.warnings.iter().any(|warning| warning.contains("whether the user has TRIGGER by a role"))
    };
    assert!(warned(&made), "{:?}", made.report.warnings);
    server.sql("GRANT TRIGGER ON shop.* TO backup@'%';");
    let made = room.backup(backup.clone()).await;
    done(&made);
    assert!(!warned(&made), "{:?}", made.report.warnings);
    server.sql("REVOKE nothing FROM backup@'%';");
    server.sql(&format!("REVOKE {routines} FROM backup@'%';"));
    let refused = failure_text(&room.backup(backup).await);
    assert!(
        refused.starts_with("Preflight: the user lacks ") && refused.contains(&format!("GRANT {routines}")),
        "{refused}"
    );
}

/// What the account may read is looked at; what it may not read is left out.
async fn copies_are_isolated(server: &MariaDb, room: &Room, restore: &Value, suffix: &str) {
    server.sql(&grants("restore elsewhere"));
    let routines = if suffix == " on MariaDB" { "SELECT ON mysql.proc" } else { "SHOW_ROUTINE ON *.*" };
    let names = "SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'shop_copy' ORDER BY 1; DROP DATABASE shop_copy;";
    for (right, left_out, left) in [
        ("GRANT", "original database: procedure bound", "f\np"),
        ("REVOKE", "function f, procedure bound, procedure p", ""),
    ] {
        if right == "REVOKE" {
            server.sql(&format!("REVOKE {routines} FROM restore@'%';"));
        }
        let ended = room.restore(restore.clone(), RestoreTarget::Database("shop_copy".into())).await;
        done(&ended);
        assert!(ended.report.warnings.iter().any(|warning| warning.ends_with(left_out)), "{:?}", ended.report.warnings);
        assert_eq!(server.sql(names).trim(), left);
    }
    server.sql(&format!("GRANT {routines} TO restore@'%';"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice() {
    suffice(&MariaDb::start(), " on MariaDB", "SELECT ON mysql.proc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice_on_mariadb_11() {
    if Release::MariaDb11.is_there() {
        suffice(&MariaDb::of(Release::MariaDb11, &[]), " on MariaDB", "SELECT ON mysql.proc").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_grants_suffice_on_mysql() {
    if Release::MySql9.is_there() {
        suffice(&MariaDb::of(Release::MySql9, &[]), " on MySQL", "SHOW_ROUTINE ON *.*").await;
    }
}

/// Roles that come alphabetically after those who have them, default roles, an account with a second password, and one whose
/// name goes over lines.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_mysql_come_back_with_their_roles() {
    if !Release::MySql9.is_there() {
        return;
    }
    let (source, fresh) = (MariaDb::of(Release::MySql9, &[]), MariaDb::of(Release::MySql9, &[]));
    source.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (id INT); CREATE ROLE a_role, z_role; GRANT SELECT ON shop.* TO z_role; GRANT z_role TO a_role; \
         CREATE USER app@'%' IDENTIFIED BY 'x'; GRANT z_role TO app WITH ADMIN OPTION; GRANT a_role TO app; SET DEFAULT ROLE z_role, a_role TO app; \
         ALTER USER app@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD; GRANT BACKUP_ADMIN ON *.* TO app; GRANT INSERT ON shop.t TO app; \
         CREATE USER 'li;\nne\\\\\t''`'@'%' IDENTIFIED BY 'y' COMMENT 'it''s'; GRANT UPDATE ON shop.* TO 'li;\nne\\\\\t''`'@'%';",
    );
    let accounts = |server: &MariaDb| {
        let names = server.sql("SELECT HEX(CONCAT(QUOTE(user), '@', QUOTE(host))) FROM mysql.user WHERE user NOT IN ('root') AND user NOT LIKE 'mysql.%' ORDER BY 1;");
        let ask = |name: &str| {
            let prepare = |what: &str| format!("SET @s = CONCAT('{what} ', X'{name}'); PREPARE s FROM @s; EXECUTE s;");
            server.sql(&(prepare("SHOW CREATE USER") + &prepare("SHOW GRANTS FOR")))
        };
        names.lines().map(ask).collect::<String>()
    };
    let room = Room::with_client(Release::MySql9);
    let made = room.backup(spec(&source, json!({}))).await;
    done(&made);
    let warnings = made.report.warnings.join("\n");
    assert!(warnings.contains("second passwords") && warnings.contains("app@%"), "{warnings}");
    for _ in 0..2 {
        let ended = room.restore(spec(&fresh, json!({})), RestoreTarget::Original).await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        assert_eq!(accounts(&fresh), accounts(&source));
    }
    // One bad grant is one warning.
    source.sql("INSERT INTO mysql.procs_priv (Host, Db, User, Routine_name, Routine_type, Grantor, Proc_priv) \
                VALUES ('%', 'shop', 'app', 'gone', 'PROCEDURE', '', 'Execute'); FLUSH PRIVILEGES; DROP USER IF EXISTS nobody@'%';");
    done(&room.backup(spec(&source, json!({}))).await);
    fresh.sql("DROP USER app@'%';");
    let ended = room.restore(spec(&fresh, json!({})), RestoreTarget::Original).await;
    done(&ended);
    let warnings = &ended.report.warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("GRANT EXECUTE ON PROCEDURE `shop`.`gone` TO `app`@`%`"),
        "{warnings:?}"
    );
    assert!(fresh.sql("SHOW GRANTS FOR app@'%';").contains("z_role"));
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
        let more = self::grants(&format!("{of} on MariaDB"));
        server.sql(&format!("{user}; {grants} {} {more}", grants.replace("shop.*", "blog.*")));
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
    for grant in ["GRANT PROXY ON 'app'@'%' TO 'boss'@'%' (error 1698)", "GRANT `reader` TO `app`@`%` (error 1698)"] {
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
    assert!(warnings.contains("CREATE USER IF NOT EXISTS `ed`@`%` (error 1524)"), "{warnings}");
    assert!(server.sql("SHOW GRANTS FOR zed@'%';").contains("GRANT INSERT ON `shop`.`t`"), "the others are there");
    // A version without a record of its parts can only be read as a whole.
    room.sink.put(room.engine.by_the_original(b"GRANT PROXY ON 'app'@'%' TO 'boss'@'%';\n-- Dump completed\n"));
    let ended = room.restore(of(&server, "restore", json!({})), RestoreTarget::Original).await;
    let message = failure_text(&ended);
    assert!(message.contains("one of the grants in the backup") && !message.contains("login"), "{message}");
}

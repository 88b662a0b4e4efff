//! Exactly the grants that docs/adapters/mysql.md names.

use bahub_core::replay::Place;
use serde_json::json;

use super::support::{Room, SHARED, done, spec};

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
    done(&room.restore(spec(&SHARED, restore), Place::Original).await);
    let after = SHARED.dump(&["shop"]);
    assert!(after == before, "{before}\n----\n{after}");
}

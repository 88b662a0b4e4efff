//! Exactly the rights that docs/adapters/postgres_dump.md names.

use serde_json::json;

use super::support::{Room, SHARED, done, spec};

const DOCUMENTED: &str = include_str!("../../../../docs/adapters/postgres_dump.md");

/// The statements of the documentation after this mark.
fn grants(of: &str) -> String {
    let (_, rest) = DOCUMENTED.split_once(&format!("<!-- grants: {of} -->\n```sql\n")).expect("the page has them");
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_suffice() {
    SHARED.sql("postgres", &grants("restore"));
    SHARED.sql("postgres", "CREATE DATABASE rights OWNER restore");
    SHARED.sql("rights", "SET ROLE restore; CREATE SCHEMA s; CREATE TABLE s.t (id serial, v text); INSERT INTO s.t (v) VALUES ('1'); CREATE VIEW s.v AS TABLE s.t; CREATE EXTENSION hstore");
    SHARED.sql("postgres", &grants("backup"));
    let before = SHARED.dump("rights");
    let room = Room::new();
    let of = |user: &str| spec(&SHARED, json!({ "user": user, "password": "secret", "database": "rights" }));
    done(&room.backup(of("backup")).await);
    SHARED.sql("rights", "DROP SCHEMA s CASCADE");
    done(&room.restored(of("restore")).await);
    assert_eq!(SHARED.dump("rights"), before);
    SHARED.sql("postgres", "DROP DATABASE rights");
    done(&room.restored(of("restore")).await);
    assert_eq!(SHARED.dump("rights"), before);
}

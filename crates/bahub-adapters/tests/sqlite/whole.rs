//! What a database holds comes back as it was.

use std::fs;
use std::path::Path;

use bahub_core::replay::RestoreTarget;

use super::support::{Room, done, sql};

/// What a dump as SQL would lose, or stumble over.
pub(crate) const MUSEUM: &str = r#"
PRAGMA page_size = 1024; PRAGMA auto_vacuum = 1; PRAGMA encoding = 'UTF-16le';
PRAGMA application_id = 77; PRAGMA user_version = 5; PRAGMA journal_mode = WAL;
CREATE TABLE odd (v); INSERT INTO odd VALUES (9e999), (-9e999), (0.1), (x'00ff'), (cast(x'6100000062000000' AS text)), (''), (NULL), (9223372036854775807);
-- Rows whose numbers have holes, and belong to no column: VACUUM would number them anew.
CREATE TABLE holes (v TEXT); INSERT INTO holes(rowid, v) VALUES (7, 'seven'), (-3, 'minus three');
CREATE VIRTUAL TABLE found USING fts5(v, content = 'holes'); INSERT INTO found(found) VALUES ('rebuild');
CREATE VIRTUAL TABLE places USING rtree(id, x0, x1); INSERT INTO places VALUES (1, 0, 2);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO counted(v) VALUES (1), (2); DELETE FROM counted WHERE id = 2;
CREATE TABLE "it's ""quoted""
line" (a TEXT PRIMARY KEY, b AS (a || '!') STORED, c AS (length(a))) WITHOUT ROWID; INSERT INTO "it's ""quoted""
line"(a) VALUES ('x');
CREATE TABLE strict_one (i INT NOT NULL CHECK (i > 0)) STRICT; INSERT INTO strict_one VALUES (1);
CREATE INDEX partial ON odd(v) WHERE v IS NOT NULL; CREATE INDEX expression ON holes(upper(v));
CREATE TABLE "sqliteish" (v); CREATE VIEW seen AS SELECT count(*) AS n FROM odd;
CREATE TRIGGER after_odd AFTER INSERT ON holes BEGIN INSERT INTO sqliteish VALUES (new.v); END;
ANALYZE;
CREATE TABLE gone (v); INSERT INTO gone SELECT randomblob(900) FROM generate_series(1, 300); DROP TABLE gone;
"#;

/// Every row of every table, and what the file itself says.
pub(crate) fn contents(database: &Path) -> String {
    let pragmas = ["page_size", "auto_vacuum", "encoding", "application_id", "user_version", "page_count"];
    let pragmas = pragmas.map(|name| format!("SELECT '{name}', {name} FROM pragma_{name};")).concat();
    let tables = "SELECT rowid, typeof(v), hex(cast(v AS blob)) FROM odd; SELECT rowid, v FROM holes; \
        SELECT rowid, v FROM found WHERE found MATCH 'seven'; SELECT * FROM places; SELECT * FROM counted; SELECT * FROM sqlite_sequence; \
        SELECT * FROM \"it's \"\"quoted\"\"\nline\"; SELECT * FROM strict_one; SELECT * FROM sqlite_stat1; SELECT * FROM seen; \
        SELECT type, name, sql, rootpage FROM sqlite_master; PRAGMA integrity_check; PRAGMA journal_mode;";
    sql(database, &(pragmas + tables))
}

/// The pages, without the header's counters of changes, which each copy gets its own of (SQLite's file format, 1.3).
fn pages(database: &Path) -> Vec<u8> {
    let mut bytes = fs::read(database).unwrap();
    for counter in [24..28, 40..44, 92..100] {
        bytes[counter].fill(0);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_comes_back_as_it_was() {
    let room = Room::with(MUSEUM);
    let (before, held) = (pages(&room.database()), contents(&room.database()));
    done(&room.backup().await);
    fs::remove_file(room.database()).unwrap();
    done(&room.restore(RestoreTarget::Original).await);
    assert_eq!(contents(&room.database()), held);
    assert!(held.ends_with("ok\nwal"), "{held}");
    assert!(pages(&room.database()) == before, "a page differs");
    assert_eq!(room.names(), ["app.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_a_database_too() {
    let room = Room::with("");
    fs::write(room.database(), "").unwrap();
    done(&room.backup().await);
    fs::remove_file(room.database()).unwrap();
    done(&room.restore(RestoreTarget::Original).await);
    assert_eq!(sql(&room.database(), "SELECT count(*) FROM sqlite_master"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_write_ahead_log_alone_is_in_the_backup() {
    let room = Room::with("PRAGMA journal_mode = WAL; CREATE TABLE t (v);");
    let mut app = super::support::Connected::to(&room.database());
    app.sql("INSERT INTO t VALUES ('only in the log');");
    app.kill();
    assert!(fs::metadata(room.folder.path().join("app.db-wal")).unwrap().len() > 0);
    done(&room.backup().await);
    let elsewhere = room.folder.path().join("elsewhere");
    done(&room.restore(RestoreTarget::Directory(elsewhere.clone())).await);
    assert_eq!(sql(&elsewhere.join("app.db"), "SELECT v FROM t"), "only in the log");
}

//! What fails makes no version, and replaces nothing.

use std::fs;

use bahub_core::engine::RunErrorKind;
use bahub_core::replay::RestoreTarget;
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::SmallDisk;
use serde_json::json;

use super::support::{Room, done, failure_text, sql};

const ROWS: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v); \
    INSERT INTO t SELECT value, hex(randomblob(50)) FROM generate_series(1, 5000);";

/// Makes a database that reads well, but for what only a check of everything finds: an index that lacks rows.
fn damage(room: &Room) {
    sql(
        &room.database(),
        "CREATE TABLE other (v); PRAGMA writable_schema = ON; \
        UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'other') WHERE name = 'i';",
    );
    // Two b-trees with one root: also what a torn write may leave.
    assert_eq!(sql(&room.database(), "SELECT count(*) FROM t NOT INDEXED"), "5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_makes_no_version_unless_that_is_wanted() {
    let room = Room::with(ROWS);
    damage(&room);
    let ended = room.backup().await;
    let text = failure_text(&ended);
    assert!(text.contains("damaged") && text.contains(".recover"), "{text}");
    assert!(room.sink.list().await.unwrap().is_empty());
    assert_eq!(room.names(), ["app.db"]);

    let unchecked = room.plan(json!({ "check": false }));
    done(&room.engine.backup(&unchecked).await);
    fs::remove_file(room.database()).unwrap();
    sql(&room.database(), "CREATE TABLE mine (v)");
    let before = fs::read(room.database()).unwrap();
    let ended = room.restore(RestoreTarget::Original).await;
    let text = failure_text(&ended);
    assert!(text.contains("restored copy") && text.contains("damaged"), "{text}");
    assert_eq!(fs::read(room.database()).unwrap(), before);
    assert_eq!(room.names(), ["app.db"]);

    done(&room.engine.restore(&unchecked, &Default::default()).await);
    assert_eq!(sql(&room.database(), "SELECT count(*) FROM t NOT INDEXED"), "5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_none_are_a_warning() {
    let room = Room::with(
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a(id)); INSERT INTO b VALUES (1), (2);",
    );
    let ended = room.backup().await;
    done(&ended);
    assert!(ended.report.warnings.iter().any(|warning| warning.contains("2 rows of")), "{:?}", ended.report.warnings);
    let ended = room.restore(RestoreTarget::Original).await;
    done(&ended);
    assert!(ended.report.warnings.iter().any(|warning| warning.contains("2 rows of")), "{:?}", ended.report.warnings);
}

/// The check opens the file for reading only, and SQLite reads no CHECK constraint then.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_breaks_a_check_constraint_is_no_damage() {
    let room = Room::with(
        "CREATE TABLE t (v CHECK (v > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1);",
    );
    for ended in [room.backup().await, room.restore(RestoreTarget::Original).await] {
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_found_before_the_run() {
    let room = Room::with(ROWS);
    fs::write(room.database(), "x".repeat(5000)).unwrap();
    let text = failure_text(&room.backup().await);
    assert!(text.starts_with("Preflight") && text.contains("not a SQLite database"), "{text}");
    fs::remove_file(room.database()).unwrap();
    let text = failure_text(&room.backup().await);
    assert!(text.starts_with("Preflight") && text.contains("does not exist"), "{text}");
    // None was made.
    assert!(room.names().is_empty(), "{:?}", room.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_no_version_and_replaces_nothing() {
    let room = Room::with("CREATE TABLE t (v); INSERT INTO t SELECT randomblob(10000) FROM generate_series(1, 300);");
    done(&room.backup().await);
    let disk = SmallDisk::of(5 << 20);
    let there = disk.path().join("app.db");
    fs::copy(room.database(), &there).unwrap();
    let plan = room.plan_of(&there, json!({}));
    for ended in [room.engine.backup(&plan).await, room.engine.restore(&plan, &Default::default()).await] {
        let error = ended.error.as_ref().unwrap();
        assert_eq!(error.kind(), RunErrorKind::Program);
        assert!(failure_text(&ended).contains("disk is full"), "{}", failure_text(&ended));
        let names = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["app.db"]);
        assert_eq!(sql(&there, "SELECT count(*) FROM t"), "300");
    }
    assert_eq!(room.sink.list().await.unwrap().len(), 1);
}

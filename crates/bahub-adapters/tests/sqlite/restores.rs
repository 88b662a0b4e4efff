//! What a restore does to what is there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use bahub_core::replay::{ReplayTarget, RestoreTarget};

use super::support::{Connected, Room, done, failure_text, sql};

const SHOP: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('good');";

fn owner_and_mode(path: &Path) -> (u32, u32, u32) {
    let meta = fs::metadata(path).unwrap();
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_and_mode_stay_those_of_the_file_that_is_there_or_was() {
    let room = Room::with(SHOP);
    chown(room.database(), Some(1234), Some(5678)).unwrap();
    fs::set_permissions(room.database(), Permissions::from_mode(0o640)).unwrap();
    done(&room.backup().await);
    fs::remove_file(room.database()).unwrap();
    done(&room.restore(RestoreTarget::Original).await);
    assert_eq!(owner_and_mode(&room.database()), (1234, 5678, 0o640));
    chown(room.database(), Some(77), Some(78)).unwrap();
    fs::set_permissions(room.database(), Permissions::from_mode(0o664)).unwrap();
    done(&room.restore(RestoreTarget::Original).await);
    assert_eq!(owner_and_mode(&room.database()), (77, 78, 0o664));
}

/// The log of a program that crashed would be written into the new file by whoever opens it first.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_the_old_database_never_gets_into_the_new_one() {
    let room = Room::with(SHOP);
    done(&room.backup().await);
    let crashed = |database_is_lost: bool| {
        let mut app = Connected::to(&room.database());
        app.sql("UPDATE t SET v = 'bad';");
        app.kill();
        assert!(room.names().contains(&"app.db-wal".to_owned()));
        if database_is_lost {
            fs::remove_file(room.database()).unwrap();
        }
    };
    for database_is_lost in [false, true] {
        crashed(database_is_lost);
        let ended = room.restore(RestoreTarget::Original).await;
        done(&ended);
        assert_eq!(sql(&room.database(), "SELECT v FROM t; PRAGMA integrity_check"), "good\nok");
        let kept = room.names().into_iter().filter(|name| name.contains("unreadable") && name.ends_with("-wal"));
        assert_eq!(kept.count(), usize::from(database_is_lost));
        assert_eq!(!ended.report.warnings.is_empty(), database_is_lost, "{:?}", ended.report.warnings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_readable_database_is_kept() {
    let room = Room::with(SHOP);
    done(&room.backup().await);
    fs::write(
        room.database(),
        "something else, larger than a header, which is one hundred bytes long in SQLite's format, and no less",
    )
    .unwrap();
    let ended = room.restore(RestoreTarget::Original).await;
    done(&ended);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
    let kept = room.names().into_iter().find(|name| name.contains("unreadable")).unwrap();
    assert!(fs::read_to_string(room.folder.path().join(&kept)).unwrap().starts_with("something else"));
    assert!(ended.report.warnings.iter().any(|warning| warning.contains(&kept)), "{:?}", ended.report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_database_can_be_kept_and_links_stay_links() {
    let room = Room::with(SHOP);
    let behind = room.folder.path().join("behind");
    fs::create_dir(&behind).unwrap();
    fs::rename(room.database(), behind.join("real.db")).unwrap();
    symlink("behind/real.db", room.database()).unwrap();
    done(&room.backup().await);
    sql(&room.database(), "UPDATE t SET v = 'newer'");
    let ended = room.restore_to(ReplayTarget { keep_old: true, ..ReplayTarget::default() }).await;
    done(&ended);
    assert!(room.database().is_symlink());
    assert_eq!(sql(&behind.join("real.db"), "SELECT v FROM t"), "good");
    let old = fs::read_dir(&behind).unwrap().map(|entry| entry.unwrap().path());
    let old = old.into_iter().find(|path| path.to_string_lossy().contains(".old-")).unwrap();
    assert_eq!(sql(&old, "SELECT v FROM t"), "newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_counts_and_touches_nothing() {
    let room = Room::with(
        "PRAGMA journal_mode = WAL; CREATE TABLE a (v); CREATE TABLE \"b\nc\" (v); INSERT INTO a VALUES (1), (2), (3); CREATE VIRTUAL TABLE f USING fts5(v);",
    );
    done(&room.backup().await);
    let (before, modified) =
        (fs::read(room.database()).unwrap(), fs::metadata(room.database()).unwrap().modified().unwrap());
    let ended = room.drill().await;
    done(&ended);
    let drill = ended.report.drill.unwrap();
    // Two tables, and the five in which the search index keeps its own.
    assert!(drill.compared && drill.things == 7 && drill.count >= 3, "{drill:?}");
    assert_eq!(fs::read(room.database()).unwrap(), before);
    assert_eq!(fs::metadata(room.database()).unwrap().modified().unwrap(), modified);
    assert_eq!(room.names(), ["app.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_needs_a_folder_and_says_so() {
    let room = Room::with(SHOP);
    done(&room.backup().await);
    let absent = room.plan_of(&room.folder.path().join("none/app.db"), serde_json::json!({}));
    let ended = room.engine.restore(&absent, &Default::default()).await;
    let text = failure_text(&ended);
    assert!(
        text.starts_with("Preflight") && text.contains("does not exist") && text.contains("make the folder"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_journal_is_removed_without_a_warning() {
    let room = Room::with("CREATE TABLE t (v); INSERT INTO t VALUES ('good');");
    done(&room.backup().await);
    sql(&room.database(), "PRAGMA journal_mode = PERSIST; UPDATE t SET v = 'newer'");
    assert_eq!(room.names(), ["app.db", "app.db-journal"]);
    let ended = room.restore(RestoreTarget::Original).await;
    done(&ended);
    assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
    assert_eq!(room.names(), ["app.db"]);
}

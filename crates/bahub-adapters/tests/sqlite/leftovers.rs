//! What a backup or a restore leaves: nothing.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use bahub_core::engine::{BackupOptions, RunControl};

use super::support::{Room, done};

const LARGE: &str = "CREATE TABLE t (v); INSERT INTO t SELECT randomblob(100000) FROM generate_series(1, 300);";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cancelled_while_it_is_stored_leaves_no_copy() {
    let room = Room::with(LARGE);
    room.sink.hold();
    let control = RunControl::default();
    let plan = room.plan(serde_json::json!({}));
    let options = BackupOptions::default().controlled_by(&control);
    let cancel = async {
        // The copy has been there, and is read without a name.
        while !is_read(&room) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(room.names(), ["app.db"]);
        control.cancel();
    };
    let (ended, ()) = tokio::join!(room.engine.engine().backup(&plan, &options), cancel);
    assert!(ended.error.is_some());
    assert_eq!(room.names(), ["app.db"]);
}

/// Whether a process of ours reads a copy whose name is gone.
fn is_read(room: &Room) -> bool {
    let copy = format!("{}/.bahub-copy-", fs::canonicalize(room.folder.path()).unwrap().display());
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("fd/3"));
    let mut open = processes.filter_map(|link| fs::read_link(link).ok());
    open.any(|file| file.to_string_lossy().starts_with(&copy) && file.to_string_lossy().ends_with("(deleted)"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_killed_runs_left_is_removed_unless_it_is_in_use_or_fresh() {
    let room = Room::with("CREATE TABLE t (v);");
    let long_ago = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600));
    let make = |name: &str| {
        let file = File::create(room.folder.path().join(name)).unwrap();
        file.set_times(long_ago).unwrap();
        file
    };
    for name in [".bahub-copy-AAAAAA", ".bahub-copy-AAAAAA-journal", ".bahub-new-00"] {
        make(name);
    }
    let tried = room.folder.path().join(".bahub-try-00");
    fs::create_dir(&tried).unwrap();
    make(".bahub-try-00/app.db");
    File::open(&tried).unwrap().set_times(long_ago).unwrap();
    let _used = make(".bahub-new-11");
    File::create(room.folder.path().join(".bahub-new-22")).unwrap();
    let ended = room.backup().await;
    done(&ended);
    assert_eq!(room.names(), [".bahub-new-11", ".bahub-new-22", "app.db"]);
}

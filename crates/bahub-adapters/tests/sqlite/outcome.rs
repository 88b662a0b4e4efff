//! Restores that are broken off around the moment in which the new file takes the name: the report says what is there.

use std::fs;
use std::time::Duration;

use bahub_core::engine::{RestoreOptions, RunControl, RunOutcome};
use bahub_core::replay::ReplayTarget;

use super::support::{Connected, Room, done, failure_text, shell_where, sql};

const SHOP: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('good');";

/// A database, a backup of it, and a change after that.
async fn scene() -> Room {
    let room = Room::with(SHOP);
    done(&room.backup().await);
    sql(&room.database(), "UPDATE t SET v = 'newer'");
    room
}

async fn restored_where(room: &Room, programs: &[(&str, &str)], target: ReplayTarget) -> RunOutcome {
    let shell = shell_where(programs);
    room.engine.restore(&room.plan_in(&shell), &RestoreOptions::default().to(target)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_after_the_new_file_has_the_name_has_succeeded() {
    for keep_old in [false, true] {
        let room = scene().await;
        let target = ReplayTarget { keep_old, ..ReplayTarget::default() };
        let ended = restored_where(&room, &[("sync", "[ \"$2\" != . ] || kill -9 0")], target).await;
        done(&ended);
        let warnings = ended.report.warnings.join("\n");
        assert!(warnings.contains("had taken effect before it was broken off"), "{warnings}");
        assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
        let names = room.names();
        assert!(names.len() == 1 + usize::from(keep_old) && names[0] == "app.db", "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cancelled_after_the_new_file_has_the_name_has_succeeded() {
    let room = scene().await;
    let marker = tempfile::tempdir().unwrap();
    let syncs = marker.path().join("syncs");
    let slow = format!("[ \"$2\" != . ] || {{ : >'{}'; sleep 60; }}", syncs.display());
    let shell = shell_where(&[("sync", &slow)]);
    let control = RunControl::default();
    let (plan, options) = (room.plan_in(&shell), RestoreOptions::default().controlled_by(&control));
    let cancel = async {
        while !syncs.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        control.cancel();
    };
    let (ended, ()) = tokio::join!(room.engine.restore(&plan, &options), cancel);
    done(&ended);
    assert!(!ended.report.warnings.is_empty(), "it was broken off");
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
}

/// Its journal mode included, which is part of the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_ends_before_that_leaves_the_database_as_it_was() {
    for (ends, keep_old) in [("exit 1", false), ("kill -9 0", false), ("kill -9 0", true)] {
        let room = scene().await;
        let before = fs::read(room.database()).unwrap();
        let target = ReplayTarget { keep_old, ..ReplayTarget::default() };
        let text = failure_text(&restored_where(&room, &[("mv", ends)], target).await);
        assert!(text.starts_with("Program") && text.contains("the database is as it was"), "{text}");
        assert!(fs::read(room.database()).unwrap() == before, "{ends}: the file was changed");
        assert_eq!(room.names(), ["app.db"], "{ends}");
        assert_eq!(sql(&room.database(), "PRAGMA journal_mode; SELECT v FROM t"), "wal\nnewer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_lost_database_is_moved_back_where_the_restore_fails() {
    let room = scene().await;
    let mut app = Connected::to(&room.database());
    app.sql("UPDATE t SET v = 'in the log';");
    app.kill();
    fs::remove_file(room.database()).unwrap();
    let before = room.names();
    let no_new_file = "case \"$*\" in *.bahub-new-*) exit 1;; esac";
    let text = failure_text(&restored_where(&room, &[("mv", no_new_file)], ReplayTarget::default()).await);
    assert!(text.contains("cannot take the name"), "{text}");
    assert_eq!(room.names(), before);
}

/// As where another program removes files that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_new_file_is_gone_and_has_no_name_the_outcome_is_unknown() {
    let room = scene().await;
    let removed = format!("rm -f ./.bahub-new-{}; exit 1", "?".repeat(32));
    let text = failure_text(&restored_where(&room, &[("mv", &removed)], ReplayTarget::default()).await);
    assert!(text.starts_with("Unknown") && text.contains("either the database that was there before"), "{text}");
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "newer");
}

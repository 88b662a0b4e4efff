//! A database that is in use is not replaced.

use std::fs;

use bahub_core::replay::RestoreTarget;

use super::support::{Connected, Room, done, failure_text, sql};

async fn refused(room: &Room) -> String {
    let before = fs::read(room.database()).unwrap();
    let ended = room.restore(RestoreTarget::Original).await;
    let text = failure_text(&ended);
    assert!(text.contains("in use") && text.contains("stop it"), "{text}");
    assert_eq!(fs::read(room.database()).unwrap(), before);
    assert!(!room.names().iter().any(|name| name.starts_with(".bahub")), "{:?}", room.names());
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_nothing_is_noticed() {
    for mode in ["wal", "delete"] {
        let room = Room::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (v);"));
        done(&room.backup().await);
        let mut app = Connected::to(&room.database());
        app.sql("INSERT INTO t VALUES (1);");
        let text = refused(&room).await;
        assert!(text.contains("(sqlite3)"), "the process is named: {text}");
        assert_eq!(app.sql("SELECT count(*) FROM t;"), ["1"]);
        drop(app);
        done(&room.restore(RestoreTarget::Original).await);
        assert_eq!(sql(&room.database(), "SELECT count(*) FROM t"), "0");
    }
}

/// As from a container that shares the volume: its processes are not seen, its locks are.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_noticed_where_the_process_is_not_seen() {
    for mode in ["wal", "delete"] {
        let room = Room::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (v);"));
        let mut app = Connected::to(&room.database());
        app.sql("BEGIN IMMEDIATE; INSERT INTO t VALUES (1);");
        // The scripts alone, in a namespace whose /proc shows nobody else.
        let script = format!(
            "{}{}{}",
            include_str!("../../src/shell/sweep.sh"),
            include_str!("../../src/sqlite/sh/place.sh"),
            include_str!("../../src/sqlite/sh/unused.sh")
        );
        let ended = std::process::Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "sh", "-c", &script.replace("30000", "100"), "sh"])
            .arg(room.database())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains("is in use: ") && said.contains("locked"), "{mode}: {said}");
    }
}

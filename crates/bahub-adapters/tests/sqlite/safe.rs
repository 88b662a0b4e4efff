//! The safe mode of sqlite3, where it has one.

use std::fs;

use super::support::{Room, done, shell_where, sql};

const SHOP: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('good');";

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_the_copying_is_done_in_safe_mode() {
    let room = Room::with(SHOP);
    let marker = tempfile::tempdir().unwrap();
    let log = marker.path().join("log");
    // One line for each call.
    let logs = format!("{{ printf '%s ' \"$@\" | tr '\\n' ' '; echo; }} >>'{}'", log.display());
    let shell = shell_where(&[("sqlite3", &logs)]);
    let plan = room.plan_in(&shell);
    done(&room.engine.backup(&plan).await);
    sql(&room.database(), "UPDATE t SET v = 'bad'");
    done(&room.engine.restore(&plan, &Default::default()).await);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.lines().any(|call| call.contains("integrity_check")), "{calls}");
    let unsafe_calls = calls.lines().filter(|call| !call.contains("-safe ")).count();
    assert_eq!(unsafe_calls, 1, "{calls}");
}

/// As before 3.37.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite3_without_a_safe_mode_is_enough() {
    let room = Room::with(SHOP);
    let old = "case \" $* \" in *' -safe '*) echo 'sqlite3: Error: unknown option: -safe' >&2; exit 1;; esac";
    let shell = shell_where(&[("sqlite3", old)]);
    let plan = room.plan_in(&shell);
    let ended = room.engine.backup(&plan).await;
    done(&ended);
    assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
    sql(&room.database(), "UPDATE t SET v = 'bad'");
    done(&room.engine.restore(&plan, &Default::default()).await);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
}

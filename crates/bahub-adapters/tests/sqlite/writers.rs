//! Backups while programs write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bahub_core::replay::RestoreTarget;

use super::support::{Connected, Room, done, sql};

/// Money goes from one account to another: in every state there are 1000.
const BANK: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY, v INT); CREATE TABLE b (id INTEGER PRIMARY KEY, v INT); \
    INSERT INTO a SELECT value, 1 FROM generate_series(1, 1000); INSERT INTO b SELECT value, 0 FROM generate_series(1, 1000); \
    CREATE TABLE padding (v); INSERT INTO padding SELECT randomblob(20000) FROM generate_series(1, 1500);";
const MOVE: &str = "BEGIN IMMEDIATE; UPDATE a SET v = v - 1 WHERE id = abs(random() % 1000) + 1; UPDATE b SET v = v + 1 WHERE id = 1000 - (SELECT count(*) FROM a WHERE v = 1) % 1000; \
    UPDATE padding SET v = randomblob(20000) WHERE rowid = abs(random() % 1500) + 1; COMMIT;";

async fn consistent(mode: &str) {
    let room = Room::with(&format!("PRAGMA journal_mode = {mode}; {BANK}"));
    let (stop, moves) = (AtomicBool::new(false), AtomicU64::new(0));
    let database = room.database();
    let moved = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut app = Connected::to(&database);
            while !stop.load(Ordering::Relaxed) {
                app.sql(MOVE);
                moves.fetch_add(1, Ordering::Relaxed);
            }
        });
        while moves.load(Ordering::Relaxed) < 10 {
            std::thread::yield_now();
        }
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            let before = moves.load(Ordering::Relaxed);
            for _ in 0..2 {
                let ended = runtime.block_on(room.backup());
                stop.store(ended.error.is_some(), Ordering::Relaxed);
                done(&ended);
            }
            stop.store(true, Ordering::Relaxed);
            moves.load(Ordering::Relaxed) - before
        })
    });
    assert!(moved > 10, "{mode}: the writer wrote {moved} times meanwhile");
    let elsewhere = room.folder.path().join("elsewhere");
    done(&room.restore(RestoreTarget::Directory(elsewhere.clone())).await);
    let restored = elsewhere.join("app.db");
    assert_eq!(sql(&restored, "SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)"), "1000");
    assert_eq!(sql(&restored, "PRAGMA integrity_check; PRAGMA journal_mode"), format!("ok\n{mode}"));
    assert_eq!(sql(&room.database(), "PRAGMA integrity_check"), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_written_to_is_backed_up_as_of_one_moment() {
    consistent("wal").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_one_with_a_rollback_journal() {
    consistent("delete").await;
}

//! Dumps that break: no version, and the cause named.

use bahub_core::engine::{Ended, RunErrorKind};
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, SHARED, done, spec, told};

/// Waits until the dump reads rows of this database, and gives its session.
fn in_mid_dump(server: &Postgres, database: &str) -> String {
    let question = format!(
        "SELECT max(pid) FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'COPY%' AND application_name = 'bahub'"
    );
    for _ in 0..2000 {
        let pid = server.sql("postgres", &question);
        if !pid.is_empty() {
            return pid;
        }
    }
    panic!("no dump was seen");
}

fn large(server: &Postgres, database: &str) {
    server.sql("postgres", &format!("CREATE DATABASE {database}"));
    server.sql(database, "CREATE TABLE t AS SELECT n, repeat(md5(n::text), 16) AS v FROM generate_series(1, 300000) n");
}

async fn no_version(room: &Room, ended: &Ended, word: &str) {
    assert_eq!(*ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", told(ended));
    assert!(told(ended).contains(word), "{}", told(ended));
    assert!(room.sink.list().await.unwrap().is_empty());
}

#[test]
fn a_dump_that_breaks_makes_no_version_and_the_next_run_succeeds() {
    let mut server = Postgres::start();
    large(&server, "breaks");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for format in ["custom", "plain"] {
        let room = Room::new();
        let spec = spec(&server, json!({ "database": "breaks", "format": format }));
        let broken = |how: &(dyn Fn(&Postgres, &str) + Sync)| {
            std::thread::scope(|scope| {
                let breaker = scope.spawn(|| how(&server, &in_mid_dump(&server, "breaks")));
                let ended = runtime.block_on(room.backup(spec.clone()));
                breaker.join().unwrap();
                ended
            })
        };
        let ended = broken(&|server, pid| drop(server.sql("postgres", &format!("SELECT pg_terminate_backend({pid})"))));
        runtime.block_on(no_version(&room, &ended, "ended the connection"));
        let ended = broken(&|_, pid| {
            assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
        });
        runtime.block_on(no_version(&room, &ended, "ended the connection"));
        // All sessions of the server end where one is killed.
        while !server.psql("breaks", "SELECT 1").status.success() {}
        let ended = broken(&|_, _| {
            assert!(
                std::process::Command::new("pkill")
                    .args(["-9", "-f", "pg_dump.*dbname='breaks'"])
                    .status()
                    .unwrap()
                    .success()
            );
        });
        runtime.block_on(no_version(&room, &ended, "signal 9"));
        done(&runtime.block_on(room.backup(spec)));
    }
    let room = Room::new();
    let spec = spec(&server, json!({ "database": "breaks" }));
    let ended = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            in_mid_dump(&server, "breaks");
            server.kill();
        });
        let ended = runtime.block_on(room.backup(spec.clone()));
        killer.join().unwrap();
        ended
    });
    runtime.block_on(no_version(&room, &ended, "ended the connection"));
    server.restart();
    done(&runtime.block_on(room.backup(spec)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_moment_keeps_what_writers_keep() {
    SHARED.sql("postgres", "CREATE DATABASE accounts");
    SHARED.sql("accounts", "CREATE TABLE a (v int); CREATE TABLE filler AS SELECT md5(n::text) FROM generate_series(1, 200000) n; CREATE TABLE z (v int); INSERT INTO a VALUES (500); INSERT INTO z VALUES (500)");
    let over = std::sync::atomic::AtomicBool::new(false);
    let room = Room::new();
    let spec = spec(&SHARED, json!({ "databases": ["accounts"] }));
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    SHARED.sql("accounts", "BEGIN; UPDATE a SET v = v - 1; UPDATE z SET v = v + 1; COMMIT; BEGIN; UPDATE z SET v = v - 7; UPDATE a SET v = v + 7; COMMIT;");
                }
            });
            let ended = tokio::runtime::Handle::current().block_on(room.backup(spec.clone()));
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            done(&ended);
        });
    });
    done(&room.restored(spec).await);
    assert_eq!(SHARED.sql("accounts", "SELECT a.v + z.v FROM a, z"), "1000");
}

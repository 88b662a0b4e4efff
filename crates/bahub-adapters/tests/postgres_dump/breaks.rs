//! Dumps that fail: no version, and the cause is named.

use bahub_core::engine::{RunErrorKind, RunOutcome};
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::Postgres;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::support::{Room, SHARED, done, failure_text, spec};

/// Waits until the dump reads rows of this database, and returns its session.
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
    server.sql(database, "CREATE TABLE t AS SELECT n, string_agg(md5(n::text || i), '') AS v FROM generate_series(1, 150000) n, generate_series(1, 16) i GROUP BY n");
}

/// A backup that is blocked in the middle of its dump while this runs, with the session that dumps.
fn broken(
    server: &mut Postgres,
    room: &Room,
    spec: &Value,
    runtime: &Runtime,
    how: impl FnOnce(&mut Postgres, &str) + Send,
) -> RunOutcome {
    room.sink.hold();
    std::thread::scope(|scope| {
        let breaker = scope.spawn(|| {
            let session = in_mid_dump(server, "breaks");
            how(server, &session);
            room.sink.release();
        });
        let ended = runtime.block_on(room.backup(spec.clone()));
        breaker.join().unwrap();
        ended
    })
}

async fn no_version(room: &Room, ended: &RunOutcome, word: &str) {
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", failure_text(ended));
    assert!(failure_text(ended).contains(word), "{}", failure_text(ended));
    assert!(room.sink.list().await.unwrap().is_empty());
}

#[test]
fn a_dump_that_breaks_makes_no_version_and_the_next_run_succeeds() {
    let mut server = Postgres::start();
    large(&server, "breaks");
    let runtime = Runtime::new().unwrap();
    for format in ["custom", "plain"] {
        let room = Room::new();
        let spec = spec(&server, json!({ "database": "breaks", "format": format }));
        let ended = broken(&mut server, &room, &spec, &runtime, |server, pid| {
            server.sql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
        });
        runtime.block_on(no_version(&room, &ended, "ended the connection"));
        let ended = broken(&mut server, &room, &spec, &runtime, |_, pid| run("kill", &["-9", pid]));
        runtime.block_on(no_version(&room, &ended, "ended the connection"));
        // When one session is killed, all sessions of the server end.
        while !server.psql("breaks", "SELECT 1").status.success() {}
        let ended =
            broken(&mut server, &room, &spec, &runtime, |_, _| run("pkill", &["-9", "-f", "pg_dump.*dbname='breaks'"]));
        runtime.block_on(no_version(&room, &ended, "signal 9"));
        done(&runtime.block_on(room.backup(spec)));
    }
    let room = Room::new();
    let spec = spec(&server, json!({ "database": "breaks" }));
    let ended = broken(&mut server, &room, &spec, &runtime, |server, _| server.kill());
    runtime.block_on(no_version(&room, &ended, "ended the connection"));
    server.restart();
    done(&runtime.block_on(room.backup(spec)));
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    assert!(std::process::Command::new(program).args(arguments).status().unwrap().success());
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

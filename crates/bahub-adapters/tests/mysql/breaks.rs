//! Dumps that fail: no version, and the cause is named.

use bahub_core::engine::RunErrorKind;
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::MariaDb;
use serde_json::json;

use super::support::{Room, SHARED, failure_text, spec};

/// Waits until the dump reads rows, and returns its connection.
fn in_mid_dump(server: &MariaDb, table: &str) -> String {
    let question = format!(
        "SELECT COALESCE(MAX(id), '') FROM information_schema.processlist WHERE info LIKE 'SELECT /*!40001%{table}%';"
    );
    for _ in 0..2000 {
        let id = server.sql(&question);
        if !id.trim().is_empty() {
            return id.trim().to_owned();
        }
    }
    panic!("no dump was seen");
}

const LARGE: &str = "CREATE TABLE large_rows (id INT PRIMARY KEY, t TEXT); \
                     INSERT INTO large_rows SELECT a.seq, GROUP_CONCAT(MD5(CONCAT(a.seq, '-', b.seq)) SEPARATOR '') \
                     FROM seq_1_to_150000 a, seq_1_to_16 b GROUP BY a.seq;";

async fn no_version(room: &Room, ended: &bahub_core::engine::RunOutcome) {
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", failure_text(ended));
    assert!(failure_text(ended).contains("ended the connection"), "{}", failure_text(ended));
    assert!(room.sink.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_connection_makes_no_version() {
    SHARED.sql(&format!("CREATE DATABASE killed_connection; USE killed_connection; {LARGE}"));
    let room = Room::new();
    room.sink.hold();
    let sink = room.sink.clone();
    let killer = std::thread::spawn(move || {
        let id = in_mid_dump(&SHARED, "large_rows");
        SHARED.sql(&format!("KILL CONNECTION {id};"));
        sink.release();
    });
    let ended = room.backup(spec(&SHARED, json!({ "database": "killed_connection" }))).await;
    killer.join().unwrap();
    no_version(&room, &ended).await;
}

#[test]
fn a_server_that_is_stopped_in_mid_dump_makes_no_version_and_the_next_run_succeeds() {
    let mut server = MariaDb::start();
    server.sql(&format!("CREATE DATABASE stopped; USE stopped; {LARGE}"));
    let room = Room::new();
    room.sink.hold();
    let database = spec(&server, json!({ "database": "stopped" }));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            in_mid_dump(&server, "large_rows");
            server.kill();
            room.sink.release();
        });
        let ended = runtime.block_on(room.backup(database.clone()));
        killer.join().unwrap();
        ended
    });
    runtime.block_on(no_version(&room, &ended));
    server.restart();
    super::support::done(&runtime.block_on(room.backup(database)));
}

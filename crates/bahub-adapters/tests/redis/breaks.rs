//! What fails makes no version, and changes nothing on the server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use bahub_core::engine::{RestoreOptions, RunControl, RunErrorKind};
use bahub_core::replay::RestoreTarget;
use bahub_core::sink::Sink;
use bahub_testkit::fixtures::{Redis, Release};
use serde_json::json;

use super::support::{LIMIT, Room, done, failure_text, in_time, in_time_with, until, until_at_once};

/// Enough to fill every pipe, compressed as well: what is repeated is farther away than compressors look back.
const LARGE: &str = "local words = {} for j = 1, 100000 do words[j] = redis.sha1hex(j) end local text = table.concat(words) \
    for i = 1, 8 do redis.call('SET', 'k' .. i, text) end";

/// Several chunks of a copy.
const MANY: &str = "local words = {} for j = 1, 20 do words[j] = redis.sha1hex(j) end local text = table.concat(words) \
    for i = 1, 16000 do redis.call('SET', 'k' .. i, text) end";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_mid_transfer_makes_no_version() {
    let mut room = Room::new();
    room.server.tell(0, &["EVAL", LARGE, "0"]);
    room.sink.hold();
    let plan = room.plan(json!({}));
    let (engine, sink) = (room.engine.engine().clone(), room.sink.clone());
    let run = tokio::spawn(async move { engine.backup(&plan, &Default::default()).await });
    // A part of the snapshot has been sent: more than nothing, and less than all, which does not fit into the pipes.
    let sent = |info: String| {
        let line = info.lines().find_map(|line| line.strip_prefix("total_net_repl_output_bytes:").map(str::to_owned));
        line.and_then(|bytes| bytes.trim().parse::<u64>().ok()).unwrap()
    };
    until("a part is sent", || sent(room.server.tell(0, &["INFO", "stats"])) >= 1_000_000).await;
    room.server.kill();
    sink.release();
    let ended = in_time(async { run.await.unwrap() }).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program);
    assert!(failure_text(&ended).contains("the server ended the connection"), "{}", failure_text(&ended));
    assert!(sink.list().await.unwrap().is_empty());
}

async fn refused(room: &Room, cause: &str) {
    let (before, keys) = (room.server.digest(), room.server.keyspace());
    for ended in [room.restore(RestoreTarget::Original).await, room.drill().await] {
        let text = failure_text(&ended);
        assert!(text.contains(cause), "{text}");
        assert_eq!(room.left(), [""; 0]);
    }
    assert_eq!((room.server.digest(), room.server.keyspace()), (before, keys));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_changes_nothing() {
    let room = Room::filled(Release::System);
    done(&room.backup().await);
    let folder = room.work.path().join("there");
    done(&room.restore(RestoreTarget::Directory(folder.clone())).await);
    let whole = std::fs::read(folder.join("dump.rdb")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut newer = whole.clone();
    newer[5..9].copy_from_slice(b"9999");
    for bytes in [&whole[..whole.len() - 60], &whole[..9], &flipped, &newer, b"no snapshot", b""] {
        room.stored(bytes).await;
        refused(&room, "cannot be loaded").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_take_it_is_refused_before_anything_is_changed() {
    let room = Room::filled(Release::System);
    done(&room.backup().await);
    let unchanged = async |cause: &str| {
        let (before, keys) = (room.server.digest(), room.server.keyspace());
        let text = failure_text(&room.restore(RestoreTarget::Original).await);
        assert!(text.contains(cause), "{text}");
        assert_eq!((room.server.digest(), room.server.keyspace()), (before, keys));
        assert_eq!(room.left(), [""; 0]);
    };
    // With eviction, what is in use would have made room.
    room.server.tell(0, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    room.server.tell(0, &["CONFIG", "SET", "maxmemory", "3mb"]);
    unchanged("raise `maxmemory`").await;
    room.server.tell(0, &["CONFIG", "SET", "maxmemory", "0"]);
    for number in [1, 2, 4, 5, 6, 7] {
        room.server.tell(number, &["SET", "in use", "x"]);
    }
    unchanged("raise `databases`").await;
    let master = Redis::start();
    room.server.tell(0, &["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    unchanged("is a replica").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_is_refused_before_the_run() {
    let room = Room::of(Release::System, &["cluster-enabled yes"]);
    let ended = room.backup().await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight);
    assert!(failure_text(&ended).contains("cluster"), "{}", failure_text(&ended));
}

/// The user may copy keys, and may not swap: what was copied is removed, and the functions are those that were there.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_at_its_end_is_undone() {
    let room = Room::filled(Release::System);
    done(&room.backup().await);
    room.spoil();
    room.server.tell(0, &["ACL", "SETUSER", "most", "on", ">pw", "~*", "+@all", "-swapdb"]);
    let (before, keys) = (room.server.digest(), room.server.keyspace());
    let plan = room.plan(json!({ "user": "most", "password": "pw" }));
    let text = failure_text(&in_time(room.engine.restore(&plan, &RestoreOptions::default())).await);
    assert!(text.contains("swapped") && text.contains("lacks a right"), "{text}");
    assert_eq!((room.server.digest(), room.server.keyspace()), (before, keys));
    assert_eq!(room.left(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cancelled_is_undone() {
    let room = Room::new();
    room.server.tell(0, &["EVAL", MANY, "0"]);
    done(&room.backup().await);
    room.spoil();
    // A chunk comes after the other when the test says so.
    let signals = tempfile::tempdir().unwrap();
    let next = signals.path().join("next");
    let waits =
        format!("case \"$*\" in *'GET cursor'*) until rm '{}' 2>/dev/null; do sleep 0.1; done;; esac", next.display());
    room.program_that("redis-cli", &waits);
    let (before, keys) = (room.server.digest(), room.server.keyspace());
    let control = RunControl::default();
    let plan = room.plan(json!({}));
    let options = RestoreOptions::default().controlled_by(&control);
    let cancel = async {
        // Some keys were copied, into a database of their own.
        let copied = || room.server.tell(1, &["DBSIZE"]).parse::<u32>().unwrap();
        until("keys are copied", || copied() > 1000).await;
        // The second belongs to a database that the backup does not have. Both are held, and stay so.
        for number in [1, 2] {
            assert_ne!(room.server.tell(number, &["GET", "__bahub_restore"]), "", "db{number}");
            assert_eq!(room.server.tell(number, &["EXPIRE", "__bahub_lease", "1000"]), "1", "db{number}");
        }
        std::fs::write(&next, "").unwrap();
        for number in [1, 2] {
            let left = || room.server.tell(number, &["TTL", "__bahub_lease"]).parse::<i64>().unwrap();
            until("the lease is renewed", || left() > 1000).await;
        }
        control.cancel();
    };
    let ended = in_time_with(room.engine.restore(&plan, &options), cancel).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Cancelled, "{}", failure_text(&ended));
    assert_eq!((room.server.digest(), room.server.keyspace()), (before, keys));
    assert_eq!(room.left(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_restore_left_is_removed_by_the_next_run_and_what_a_live_one_does_is_not() {
    let room = Room::filled(Release::System);
    let held = room.server.digest();
    for number in [7, 8] {
        room.server.tell(number, &["SET", "__bahub_restore", "00"]);
        room.server.tell(number, &["SET", "copied", "x"]);
    }
    room.server.tell(8, &["SET", "__bahub_lease", "00", "EX", "3600"]);
    // What one has replaced.
    room.server.tell(9, &["SET", "__bahub_swapped", "00"]);
    room.server.tell(9, &["SET", "replaced", "x"]);
    let old = room.work.path().join(".bahub-redis-00");
    std::fs::create_dir(&old).unwrap();
    std::fs::File::open(&old).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    std::fs::create_dir(room.work.path().join(".bahub-redis-11")).unwrap();
    done(&room.backup().await);
    assert_eq!(room.left(), [".bahub-redis-11"]);
    assert_eq!([7, 8, 9].map(|number| room.server.tell(number, &["DBSIZE"])), ["0", "3", "0"]);
    room.server.tell(8, &["FLUSHDB"]);
    assert_eq!(room.server.digest(), held);
}

/// As where bahub is killed, and with it the shell, which was all that knew of the server.
#[test]
fn the_temporary_server_ends_with_the_shell_that_started_it() {
    let folder = tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
    let script = format!(
        "{}{}serve \"$3\" \"$4\"\necho up\nread -r line\n",
        include_str!("../../src/redis/sh/server.sh"),
        include_str!("../../src/redis/sh/own.sh")
    );
    let mut shell = Command::new("sh")
        .args(["-c", &script, "sh", "", ""])
        .arg(folder.path().join("dump.rdb"))
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let stdout = shell.stdout.take().unwrap();
    std::thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
    let line = lines.recv_timeout(LIMIT).expect("the server starts");
    assert_eq!(line.unwrap().unwrap(), "up");
    let asked = Command::new("redis-cli").arg("-s").arg(folder.path().join("s")).args(["INFO", "server"]).output();
    let info = String::from_utf8(asked.unwrap().stdout).unwrap();
    let server = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim();
    let process = Path::new("/proc").join(server);
    assert!(process.exists());
    shell.kill().unwrap();
    shell.wait().unwrap();
    until_at_once("the server ends", || !process.exists());
}

/// A shell can open only the numbers up to 9, and a secret may have come as any of them.
#[test]
fn what_a_script_opens_is_none_of_the_secrets() {
    let server = Redis::start();
    let script = concat!(
        include_str!("../../src/redis/sh/server.sh"),
        include_str!("../../src/redis/sh/own.sh"),
        include_str!("../../src/redis/sh/settled.sh"),
        include_str!("../../src/redis/sh/functions.sh"),
        include_str!("../../src/redis/sh/restore.sh"),
        "cat \"$password\" \"$login\""
    );
    let secrets = tempfile::tempdir().unwrap();
    let (password, login) = (secrets.path().join("password"), secrets.path().join("login"));
    std::fs::write(&password, format!("{}\n", Redis::PASSWORD)).unwrap();
    let words = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{}\r\n", Redis::PASSWORD.len(), Redis::PASSWORD);
    std::fs::write(&login, &words).unwrap();
    for (first, second) in [(3, 4), (5, 3), (7, 8), (9, 6)] {
        let work = tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
        let opens = format!("exec {first}<\"$1\" {second}<\"$2\"; shift 2; exec \"$@\"");
        let secret = |number: i32| format!("/proc/self/fd/{number}");
        let ended = Command::new("timeout")
            .args(["60", "sh", "-c", &opens, "sh"])
            .args([&password, &login])
            .args(["sh", "-c", script, "sh", &secret(first), &secret(second)])
            .args([&work.path().join("dump.rdb"), work.path()])
            .arg("run")
            .env("BAHUB_HOST", "127.0.0.1")
            .env("BAHUB_PORT", server.port().to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(String::from_utf8_lossy(&ended.stdout), format!("{}\n{words}", Redis::PASSWORD), "{first}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_database_of_the_backup_is_refused() {
    let (many, few) = (Room::of(Release::System, &["databases 40"]), Room::filled(Release::System));
    many.server.tell(0, &["SET", "a", "x"]);
    many.server.tell(20, &["SET", "b", "x"]);
    few.stored(&super::foreign::file_of(&many).await).await;
    let (before, keys) = (few.server.digest(), few.server.keyspace());
    let text = failure_text(&few.restore(RestoreTarget::Original).await);
    assert!(text.contains("db20 has to be there") && text.contains("raise `databases`"), "{text}");
    assert_eq!((few.server.digest(), few.server.keyspace()), (before, keys));
}

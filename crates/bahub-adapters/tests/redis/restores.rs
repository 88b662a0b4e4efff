//! What a restore brings back, and what it leaves alone.

use std::fs;
use std::time::Instant;

use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::{Redis, Release};

use super::support::{LIMIT, Room, done, failure_text};

async fn goes_round(release: Release) {
    let room = Room::filled(release);
    let held = room.server.digest();
    let ended = room.backup().await;
    done(&ended);
    assert!(ended.report.tools.values().any(|line| line.contains("7.")), "{:?}", ended.report.tools);
    room.spoil();
    let newer = room.server.digest();

    let ended = room.drill().await;
    done(&ended);
    let drill = ended.report.drill.unwrap();
    // What expires is not counted.
    assert!(drill.compared && drill.things == 3 && drill.count == 13 + 2500 + 1, "{drill:?}");
    assert_eq!(room.server.digest(), newer);
    assert_eq!(room.left(), [""; 0]);

    let ended = room.restore(RestoreTarget::Original).await;
    done(&ended);
    assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
    assert_eq!(room.server.digest(), held, "{}", room.server.keyspace());
    assert_eq!(room.server.tell(0, &["FCALL", "one", "0"]), "1");
    let left: i64 = room.server.tell(0, &["TTL", "expires"]).parse().unwrap();
    assert!((99_000..=100_000).contains(&left), "{left}");
    // db0, db3 and db11, and no other.
    assert_eq!(room.server.keyspace().lines().count(), 4, "{}", room.server.keyspace());
    assert_eq!(room.left(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_comes_back() {
    goes_round(Release::System).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valkey_comes_back_by_valkey_s_own_programs() {
    if Release::Valkey8.is_there() {
        goes_round(Release::Valkey8).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_with_the_file_of_a_restore_to_a_folder() {
    let room = Room::filled(Release::System);
    let held = room.server.digest();
    done(&room.backup().await);
    let mut other = Redis::start();
    other.kill();
    let there = RestoreTarget::Directory(other.folder().to_owned());
    done(&room.restore(there.clone()).await);
    other.restart();
    assert_eq!(other.digest(), held);

    let before = fs::read(other.folder().join("dump.rdb")).unwrap();
    let text = failure_text(&room.restore(there).await);
    assert!(text.contains("a file of that name exists"), "{text}");
    assert_eq!(fs::read(other.folder().join("dump.rdb")).unwrap(), before);
    assert_eq!(room.left(), [""; 0]);
}

/// Where the server is lost with its host, there is nothing to ask.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_a_folder_needs_no_server() {
    let mut room = Room::filled(Release::System);
    done(&room.backup().await);
    room.server.kill();
    let folder = room.work.path().join("there");
    done(&room.restore(RestoreTarget::Directory(folder.clone())).await);
    assert!(fs::read(folder.join("dump.rdb")).unwrap().starts_with(b"REDIS"));
    let text = failure_text(&room.restore(RestoreTarget::Original).await);
    assert!(text.contains("the server cannot be reached"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_meanwhile_is_no_obstacle() {
    let room = Room::filled(Release::System);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (server, runtime) = (&room.server, tokio::runtime::Handle::current());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) && began.elapsed() < LIMIT {
                server.tell(3, &["INCR", "written"]);
            }
        });
        tokio::task::block_in_place(|| {
            let ended = runtime.block_on(room.backup());
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            done(&ended);
        });
    });
    done(&room.drill().await);
}

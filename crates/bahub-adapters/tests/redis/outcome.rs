//! Restores that are broken off around the swap: the report says what the server has.

use std::fs;

use bahub_core::engine::{RestoreOptions, RunControl, RunErrorKind};
use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::Release;
use serde_json::json;

use super::support::{Room, done, failure_text, in_time_with, until};

/// A server with other keys than its backup, and the digest of what the backup has.
async fn scene() -> (Room, String) {
    let room = Room::filled(Release::System);
    let held = room.server.digest();
    done(&room.backup().await);
    room.spoil();
    (room, held)
}

/// The databases of the backup, and no other.
fn has_no_other_databases(room: &Room) -> bool {
    room.server.keyspace().lines().count() == 1 + 3
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_after_the_swap_has_succeeded() {
    let (room, held) = scene().await;
    room.program_that("redis-cli", "case \"$*\" in *SWAPDB*) real \"$@\"; kill -9 0;; esac");
    let ended = room.restore(RestoreTarget::Original).await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    assert!(warnings.contains("had taken effect before it was broken off"), "{warnings}");
    assert_eq!(room.server.digest(), held);
    assert!(has_no_other_databases(&room), "{}", room.server.keyspace());
    assert_eq!(room.left(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cancelled_after_the_swap_has_succeeded_and_the_next_run_drops_what_it_replaced() {
    let (room, held) = scene().await;
    let marker = tempfile::tempdir().unwrap();
    let swapped = marker.path().join("swapped");
    let waits = format!("case \"$*\" in *SWAPDB*) real \"$@\"; : >'{}'; sleep 60;; esac", swapped.display());
    room.program_that("redis-cli", &waits);
    let control = RunControl::default();
    let (plan, options) = (room.plan(json!({})), RestoreOptions::default().controlled_by(&control));
    let cancel = async {
        until("the databases are swapped", || swapped.exists()).await;
        control.cancel();
    };
    let ended = in_time_with(room.engine.restore(&plan, &options), cancel).await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    assert!(warnings.contains("before what the restore replaced was removed"), "{warnings}");
    assert_eq!(room.server.tell(0, &["GET", "number"]), "42");
    assert!(!has_no_other_databases(&room), "{}", room.server.keyspace());

    room.program_that("redis-cli", "");
    done(&room.backup().await);
    assert_eq!(room.server.digest(), held);
    assert!(has_no_other_databases(&room), "{}", room.server.keyspace());
}

/// The functions are replaced before the swap, and put back.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_before_the_swap_is_undone() {
    let (room, _) = scene().await;
    let (before, keys) = (room.server.digest(), room.server.keyspace());
    room.program_that("redis-cli", "case \"$*\" in *SWAPDB*) kill -9 0;; esac");
    let text = failure_text(&room.restore(RestoreTarget::Original).await);
    assert!(text.starts_with("Program"), "{text}");
    assert_eq!((room.server.digest(), room.server.keyspace()), (before, keys));
    assert_eq!(room.left(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_cannot_be_asked_nothing_is_dropped_and_the_outcome_is_unknown() {
    let (room, held) = scene().await;
    // The script that asks is the one that may answer "neither".
    let mute = "*neither*) echo 'Error: Server closed the connection' >&2; exit 1";
    room.program_that("redis-cli", &format!("case \"$*\" in *SWAPDB*) real \"$@\"; kill -9 0;; {mute};; esac"));
    let ended = room.restore(RestoreTarget::Original).await;
    let text = failure_text(&ended);
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Unknown, "{text}");
    assert!(text.contains("GET __bahub_swapped"), "{text}");

    // In the first free database.
    assert_eq!(room.server.tell(1, &["GET", "number"]), "another");
    let run = room.server.tell(1, &["GET", "__bahub_swapped"]);
    assert!(run.len() == 32 && text.contains(&run), "{run}: {text}");
    // An hour later.
    for number in 0..16 {
        room.server.tell(number, &["DEL", "__bahub_lease"]);
    }
    room.program_that("redis-cli", "");
    done(&room.backup().await);
    assert_eq!(room.server.digest(), held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_a_folder_that_is_killed_at_its_end_has_succeeded() {
    let (room, _) = scene().await;
    let there = room.work.path().join("there");
    room.program_that("mv", "real \"$@\"; kill -9 0");
    let ended = room.restore(RestoreTarget::Directory(there.clone())).await;
    done(&ended);
    assert!(!ended.report.warnings.is_empty(), "it was broken off");
    assert!(fs::read(there.join("dump.rdb")).unwrap().starts_with(b"REDIS"));
    assert_eq!(room.left(), ["there"]);

    fs::remove_dir_all(&there).unwrap();
    room.program_that("mv", "kill -9 0");
    let text = failure_text(&room.restore(RestoreTarget::Directory(there.clone())).await);
    assert!(text.starts_with("Program"), "{text}");
    assert_eq!(fs::read_dir(&there).unwrap().count(), 0);
    assert_eq!(room.left(), ["there"]);
}

//! The rights that the documentation lists are enough.

use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind};
use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::Release;
use serde_json::json;

use super::support::{Room, done, failure_text, in_time};

/// The `ACL SETUSER` of the documentation for this user.
fn documented(user: &str) -> Vec<String> {
    let page = include_str!("../../../../docs/adapters/redis.md");
    let line = page.lines().find(|line| line.starts_with(&format!("ACL SETUSER {user} "))).unwrap();
    line.split(' ').map(str::to_owned).collect()
}

fn give(room: &Room, words: &[String]) {
    room.server.tell(0, &words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_are_enough() {
    for release in [Release::System, Release::Valkey8].into_iter().filter(|release| release.is_there()) {
        let room = Room::filled(release);
        let held = room.server.digest();
        give(&room, &documented("backup"));
        give(&room, &documented("restore"));
        let (maker, restorer) = (
            room.plan(json!({ "user": "backup", "password": "secret" })),
            room.plan(json!({ "user": "restore", "password": "secret" })),
        );
        let ended = in_time(room.engine.backup(&maker)).await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        room.spoil();
        let options = RestoreOptions::default().mode(RestoreMode::ScratchFirst);
        let ended = in_time(room.engine.restore(&restorer, &options)).await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        assert_eq!(room.server.digest(), held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lacking_right_is_found_before_the_run_and_a_wrong_password_too() {
    for release in [Release::System, Release::Valkey8].into_iter().filter(|release| release.is_there()) {
        let room = Room::filled(release);
        let lacking: Vec<_> = documented("backup").into_iter().filter(|word| word != "+psync").collect();
        give(&room, &lacking);
        for (password, cause) in [("secret", "lacks a right"), ("wrong", "the login was refused")] {
            let plan = room.plan(json!({ "user": "backup", "password": password }));
            let ended = in_time(room.engine.backup(&plan)).await;
            let text = failure_text(&ended);
            assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight, "{text}");
            assert!(text.contains(cause), "{text}");
        }
    }
}

/// They are in the snapshot, with the marks of the restores that made them.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_warns_of_what_it_may_not_remove_and_a_restore_leaves_it_out() {
    for release in [Release::System, Release::Valkey8].into_iter().filter(|release| release.is_there()) {
        let room = Room::filled(release);
        let held = room.server.digest();
        give(&room, &documented("backup"));
        for (number, mark) in [(7, "__bahub_restore"), (8, "__bahub_swapped"), (9, "__bahub_restore")] {
            room.server.tell(number, &["SET", mark, "00"]);
            room.server.tell(number, &["SET", "copied", "x"]);
        }
        // One that goes on.
        room.server.tell(9, &["SET", "__bahub_lease", "00", "EX", "3600"]);
        let ended = in_time(room.engine.backup(&room.plan(json!({ "user": "backup", "password": "secret" })))).await;
        done(&ended);
        let warnings = ended.report.warnings.join("\n");
        assert!(warnings.contains("are in db7 db8: run redis-cli -n NUMBER FLUSHDB"), "{warnings}");

        room.spoil();
        let ended = room.restore(RestoreTarget::Original).await;
        done(&ended);
        assert_eq!(room.server.digest(), held);
        let left_out = |number| format!("db{number} of the backup is what a killed restore had left");
        let warnings = ended.report.warnings.join("\n");
        assert!([7, 8, 9].map(left_out).iter().all(|words| warnings.contains(words)), "{warnings}");
    }
}

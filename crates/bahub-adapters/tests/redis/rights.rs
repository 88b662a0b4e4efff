//! The rights that the documentation lists are enough.

use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind};
use bahub_testkit::fixtures::Release;
use serde_json::json;

use super::support::{Room, done, failure_text};

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
        let ended = room.engine.backup(&maker).await;
        done(&ended);
        assert!(ended.report.warnings.is_empty(), "{:?}", ended.report.warnings);
        room.spoil();
        let options = RestoreOptions::default().mode(RestoreMode::ScratchFirst);
        let ended = room.engine.restore(&restorer, &options).await;
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
            let ended = room.engine.backup(&plan).await;
            let text = failure_text(&ended);
            assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight, "{text}");
            assert!(text.contains(cause), "{text}");
        }
    }
}

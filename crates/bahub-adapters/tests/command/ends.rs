//! How commands end, and what comes of it.

use std::fs;

use bahub_core::engine::{RestoreOptions, RunErrorKind};
use bahub_core::report::Outcome;
use bahub_core::sink::VersionNumber;
use bahub_testkit::fakes::WithPrograms;
use bahub_testkit::fixtures::noise;
use serde_json::json;

use super::support::{Room, adapter, captures, done, failure_text, merged};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_or_is_killed_anywhere_makes_no_version() {
    let room = Room::new();
    for line in [
        "echo begun; exit 1",
        "echo begun; kill -9 $$",
        "echo begun; false | cat",
        "(echo begun; kill -9 $BASHPID) | cat",
        "echo begun; false; echo went on",
        "no-such-program-at-all | cat",
        "echo $(( 1 / 0 ))",
    ] {
        let ended = room.backup(captures(line)).await;
        assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{line}: {}", failure_text(&ended));
        assert_eq!(room.versions().await, 0, "{line}");
    }
    let missing = json!({ "capture": ["no-such-program-at-all"], "restore": ["cat"] });
    assert!(failure_text(&room.backup(missing).await).contains("was not found"));
    let not_ready = merged(captures("echo all"), json!({ "preflight": "echo not ready >&2; false" }));
    let ended = room.backup(not_ready).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight);
    assert!(failure_text(&ended).contains("not ready"));
    assert_eq!(room.versions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_mean_what_the_spec_says() {
    let room = Room::new();
    let spec = |code: i32| {
        let codes = json!({ "ok_exit_codes": [0, 3], "warn_exit_codes": [4], "restore": format!("cat >/dev/null; exit {code}") });
        merged(captures(&format!("echo all; exit {code}")), codes)
    };
    for (code, outcome) in
        [(0, Outcome::Succeeded), (3, Outcome::Succeeded), (4, Outcome::SucceededWithWarnings), (5, Outcome::Failed)]
    {
        assert_eq!(room.backup(spec(code)).await.report.outcome, outcome, "{code}");
        assert_eq!(room.restore(spec(code)).await.report.outcome, outcome, "{code}");
    }
    assert_eq!(room.versions().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailer_is_asked_for_at_the_backup_and_at_the_restore() {
    let room = Room::new();
    let trailer = json!({ "trailer": "-- done", "restore": format!("cat >{}", room.path("restored").display()) });
    let text = failure_text(&room.backup(merged(captures("echo half of it"), trailer.clone())).await);
    assert!(text.contains("does not end as the spec says") && text.contains("`trailer`"), "{text}");
    assert_eq!(room.versions().await, 0);
    // One that was made without it.
    done(&room.backup(captures("echo half of it")).await);
    let text = failure_text(&room.restore(merged(captures("true"), trailer.clone())).await);
    assert!(text.starts_with("Integrity"), "{text}");
    assert!(!room.path("restored").exists());
    let whole = merged(captures("echo all; echo -- done"), trailer);
    done(&room.backup(whole.clone()).await);
    done(&room.restore(whole).await);
    assert_eq!(room.read("restored"), "all\n-- done\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_has_to_say_so_where_that_is_asked_for() {
    let room = Room::new();
    done(&room.backup(captures("echo all")).await);
    let restores = |line: &str| merged(captures("true"), json!({ "restore": line, "restore_trailer": "COMMIT" }));
    let text = failure_text(&room.restore(restores("cat >/dev/null")).await);
    assert!(text.contains("`restore_trailer`"), "{text}");
    done(&room.restore(restores("cat >/dev/null; echo COMMIT")).await);
}

/// Without the first pass, the command has read nearly all when the damage is found.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_sees_neither_the_end_of_its_input_nor_the_suffix_of_a_damaged_version() {
    let room = Room::new();
    fs::write(room.path("data"), noise(3 << 20)).unwrap();
    fs::write(room.path("restored"), "old").unwrap();
    let (data, restored) = (room.path("data"), room.path("restored"));
    let (data, restored) = (data.display(), restored.display());
    let spec = json!({
        "capture": ["cat", data.to_string()],
        "restore": format!("cat >{restored}.new; mv {restored}.new {restored}"),
        "prefix": "BEGIN;", "suffix": "COMMIT;",
    });
    done(&room.backup(spec.clone()).await);
    let streamed = RestoreOptions::default().streamed(true);
    done(&room.engine.restore(&room.plan(spec.clone()), &streamed).await);
    let whole = fs::read(room.path("restored")).unwrap();
    assert!(whole.starts_with(b"BEGIN;") && whole.ends_with(b"COMMIT;") && whole.len() == (3 << 20) + 13);

    fs::write(room.path("restored"), "old").unwrap();
    // Its very last byte: of the seal.
    room.sink.tamper(VersionNumber(1), |message| *message.last_mut().unwrap() ^= 1);
    let ended = room.engine.restore(&room.plan(spec), &streamed).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Integrity, "{}", failure_text(&ended));
    assert!(failure_text(&ended).contains("what the command did"), "{}", failure_text(&ended));
    assert_eq!(room.read("restored"), "old");
    let seen = fs::read(room.path("restored.new")).unwrap();
    assert!(!seen.is_empty() && !seen.ends_with(b"COMMIT;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_would_miss_failures_is_refused_before_the_run() {
    let room = Room::new();
    let shells = tempfile::tempdir().unwrap();
    for name in ["bash", "sh"] {
        std::os::unix::fs::symlink("/bin/dash", shells.path().join(name)).unwrap();
    }
    let adapter = WithPrograms::new(adapter(captures("echo all")), shells.path());
    let plan = room.engine.plan(std::sync::Arc::new(adapter), std::sync::Arc::new(room.sink.clone()));
    let text = failure_text(&room.engine.backup(&plan).await);
    assert!(text.starts_with("Preflight") && text.contains("install bash"), "{text}");
}

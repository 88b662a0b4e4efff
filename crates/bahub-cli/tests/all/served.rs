//! The service: what is due, what was missed, what is killed, what is reloaded.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::support::{Run, Running, Scene};

/// A backup that is due once a year, and not soon; who is told writes it into a file.
fn scene() -> Scene {
    let scene = Scene::new().with_meta(", schedule: '@yearly', time_zone: UTC, retention: { keep_last: 3 }");
    let told = scene.at("told").display().to_string();
    let mut text = fs::read_to_string(scene.config()).unwrap();
    text.push_str(&format!(
        "notifiers:\n  file:\n    type: exec\n    on: [success, failure, recovered, overdue]\n    \
         spec: {{ command: [sh, -c, 'cat >> {told}; echo >> {told}'] }}\n"
    ));
    fs::write(scene.config(), text).unwrap();
    scene
}

fn told(scene: &Scene) -> Vec<String> {
    let text = fs::read_to_string(scene.at("told")).unwrap_or_default();
    let told = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    told.map(|told| told["occasion"].as_str().unwrap().to_owned()).collect()
}

/// Has the schedule be followed for a long time, so that a time was missed.
fn miss_one(scene: &Scene) {
    sql(scene, "UPDATE schedule SET due = 1000, running = 0");
}

fn sql(scene: &Scene, statement: &str) {
    let database = scene.state().join("history.db");
    assert!(Command::new("sqlite3").arg(database).arg(statement).status().unwrap().success());
}

fn serve(scene: &Scene) -> Running {
    let mut service = scene.start(&[":service:run"]);
    service.until(|event| event["event"] == "scheduled");
    service
}

fn stop(service: Running) -> Run {
    service.signal(Signal::TERM);
    service.finish()
}

#[test]
fn a_service_makes_up_for_what_was_missed_once_and_there_is_only_one() {
    let scene = scene();
    let service = serve(&scene);
    scene.json(&[":service:run"]).assert_code(5).assert_error(&["another service runs with the history in"]);
    stop(service).assert_code(0);
    assert!(scene.list().is_empty(), "a new backup has missed nothing");
    miss_one(&scene);
    let mut service = serve(&scene);
    service.until(|event| event["event"] == "ended");
    let run = stop(service);
    run.assert_code(0);
    assert!(run.stderr.contains("catching up on a missed backup"), "{run:?}");
    stop(serve(&scene)).assert_code(0);
    assert_eq!(scene.list(), ["1"]);
    assert_eq!(told(&scene), ["success"]);
}

#[test]
fn a_service_that_is_killed_at_any_moment_makes_one_version() {
    for moment in ["phase.opening", "phase.capturing", "phase.committing", "phase.pruning", "phase.closing"] {
        let scene = scene();
        stop(serve(&scene)).assert_code(0);
        miss_one(&scene);
        let killed = scene.command(&[":service:run"]).env("BAHUB_FAULT_POINT", moment).status().unwrap();
        assert_eq!(killed.signal(), Some(9), "{moment}");
        let made_before = scene.list().len();
        let mut service = serve(&scene);
        // Of the run that makes it again, or of the one that was killed after it had made its version.
        service.until(|event| event["event"] == "ended");
        stop(service).assert_code(0);
        stop(serve(&scene)).assert_code(0);
        assert_eq!(scene.list(), ["1"], "{moment}");
        // The version that there is was no failure, and who waits for its end hears of it.
        let expected: &[&str] = if made_before == 0 { &["failure", "recovered"] } else { &["success"] };
        let status = scene.json(&[":status"]);
        status.assert_code(0);
        assert_eq!(status.last()["backups"][0]["last_good"]["version"], "v1", "{moment}");
        assert_eq!(told(&scene), expected, "{moment}");
    }
}

#[test]
fn a_stop_ends_what_runs_and_its_time_is_due_again() {
    let scene = scene();
    stop(serve(&scene)).assert_code(0);
    miss_one(&scene);
    let text = fs::read_to_string(scene.config()).unwrap();
    let slow = text
        .replace("type: bahub.adapters.filesystem", "type: bahub.adapters.command")
        .replace(&format!("paths: [\"{}\"]", scene.data().display()), "capture: [sleep, '1000'], restore: [cat]");
    assert_ne!(text, slow);
    fs::write(scene.config(), slow).unwrap();
    let mut service = serve(&scene);
    service.until_phase("capturing");
    stop(service).assert_code(0);
    assert!(scene.list().is_empty());
    fs::write(scene.config(), text).unwrap();
    let mut service = serve(&scene);
    service.until(|event| event["event"] == "ended");
    stop(service).assert_code(0);
    assert_eq!(scene.list(), ["1"]);
}

#[test]
fn a_reload_takes_the_new_configuration_or_keeps_the_old_one_and_says_so() {
    let scene = scene();
    let mut service = serve(&scene);
    let good = fs::read_to_string(scene.config()).unwrap();
    fs::write(scene.config(), good.replace("schedule:", "shedule:")).unwrap();
    service.signal(Signal::HUP);
    service.until(|event| event["event"] == "failed");
    fs::write(scene.config(), good.replace("@yearly", "@monthly")).unwrap();
    service.signal(Signal::HUP);
    service.until(|event| event["event"] == "scheduled");
    let run = stop(service);
    run.assert_code(0);
    assert!(run.stdout.contains("unknown key") && run.stdout.contains("did you mean"), "{run:?}");
    assert_eq!(told(&scene), ["failure"]);
}

#[test]
fn what_is_overdue_is_told_once_with_a_schedule_and_without_one() {
    for schedule in ["", "schedule: { cron: '@yearly', missed: skip }, "] {
        let scene = scene();
        let text = fs::read_to_string(scene.config()).unwrap();
        fs::write(scene.config(), text.replace("schedule: '@yearly', ", &format!("{schedule}max_age: 1h, "))).unwrap();
        scene.make();
        scene.json(&[":status"]).assert_code(0);
        sql(&scene, "UPDATE runs SET ended = ended - 3700000");
        scene.json(&[":status"]).assert_code(19);
        for _ in 0..2 {
            stop(serve(&scene)).assert_code(0);
        }
        assert_eq!(told(&scene), ["success", "overdue"], "{schedule}");
        // A clock that is, or was, wrong is not well.
        sql(&scene, "UPDATE runs SET ended = ended + 100000000");
        let status = scene.json(&[":status"]);
        status.assert_code(19);
        assert_eq!(status.last()["backups"][0]["state"], "future");
    }
    let scene = Scene::new();
    scene.make();
    let scene = scene.with_meta(", max_age: '${NOPE}'");
    let status = scene.run(&[":status"]);
    status.assert_code(19);
    assert!(status.stdout.contains("UNKNOWN") && status.stdout.contains("NOPE is not set"), "{status:?}");
}

#[test]
fn one_schedule_that_cannot_be_used_is_told_and_keeps_no_other_from_being_due() {
    let scene = scene();
    let text = fs::read_to_string(scene.config()).unwrap();
    let other = "  other:\n    meta: { type: bahub.adapters.filesystem, access: here, encryption: key, transport: local, schedule: '${NOPE}' }\n    spec: { paths: [/etc] }\n";
    fs::write(scene.config(), text.replace("backups:\n", &format!("backups:\n{other}"))).unwrap();
    stop(serve(&scene)).assert_code(0);
    miss_one(&scene);
    let mut service = serve(&scene);
    service.until(|event| event["event"] == "ended");
    stop(service).assert_code(0);
    assert_eq!(scene.list(), ["1"]);
    assert_eq!(told(&scene), ["failure", "failure", "success"]);
}

#[test]
fn schedules_are_shown_checked_and_made_into_timers() {
    let scene = Scene::new()
        .with_meta(", schedule: { cron: '30 3 * * 1-5', jitter: 10m, missed: skip }, time_zone: Europe/Berlin");
    let run = scene.run(&[":schedule:next", "--days", "7"]);
    run.assert_code(0);
    assert_eq!(run.stdout.lines().count(), 5, "{run:?}");
    assert!(run.stdout.lines().all(|line| line.contains(" 03:30 ") && line.ends_with("  tree")), "{run:?}");
    let json = scene.json(&[":schedule:next", "tree", "--days", "7"]);
    assert_eq!(json.last()["due"].as_array().unwrap().len(), 5);
    let run = scene.run(&[":schedule:systemd"]);
    run.assert_code(0);
    for line in
        ["OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 3:30:00 Europe/Berlin", "RandomizedDelaySec=600", "Persistent=false"]
    {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line}: {run:?}");
    }
    scene.run(&[":schedule:next", "trie"]).assert_code(3);
    for (schedule, words) in [
        ("'0 3 * *'", &["has 4", "five fields"][..]),
        ("'@dayly'", &["unknown schedule", "@daily"]),
        ("{ cron: '@daily', jitter: soon }", &["\\\"jitter\\\" is not a duration"]),
        ("{ cron: '@daily', missed: later }", &["missed"]),
    ] {
        let scene = Scene::new().with_meta(&format!(", schedule: {schedule}"));
        scene.json(&[":config:check"]).assert_code(3).assert_error(words);
    }
}

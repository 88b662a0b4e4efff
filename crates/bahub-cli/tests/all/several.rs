//! Several backups in one command: each stands for itself.

use std::fs;

use serde_json::Value;

use super::support::{EMAIL, Scene};

/// A configuration with defaults and three backups, of which `broken` reads what is not there.
fn scene() -> Scene {
    let scene = Scene::new();
    let at = |name: &str| scene.at(name).display().to_string();
    let (private, public) = (scene.keys().private(), scene.keys().public());
    for name in ["etc", "home"] {
        fs::create_dir(scene.at(name)).unwrap();
        fs::write(scene.at(name).join("file"), name).unwrap();
    }
    let backup = |name: &str, more: &str| {
        format!(
            "  {name}:\n    meta: {{ type: bahub.adapters.filesystem{more} }}\n    spec: {{ paths: [\"{}\"] }}\n",
            at(name)
        )
    };
    let text = format!(
        "accesses:\n  here: {{ url: \"file://{}\" }}\n  there: {{ url: \"file://{}\" }}\n\
         encryption:\n  key: {{ private_key_path: {}, public_key_path: {}, email: {EMAIL} }}\n\
         transports:\n  local: {{ type: bahub.transports.sh }}\n\
         defaults: {{ access: here, encryption: key, transport: local, tags: [nightly] }}\n\
         backups:\n{}{}{}",
        at("store"),
        at("other"),
        private.display(),
        public.display(),
        backup("etc", ""),
        backup("home", ", access: there, tags: [nightly, own]"),
        backup("broken", ", tags: []"),
    );
    fs::write(scene.config(), text).unwrap();
    scene
}

/// The exit codes of each, by name, as the last line of JSON has them.
fn ends(last: &Value) -> Vec<(String, i64)> {
    assert_eq!(last["event"], "all-ended", "{last}");
    let each = last["backups"].as_array().unwrap().iter();
    each.map(|end| (end["backup"].as_str().unwrap().to_owned(), end["exit_code"].as_i64().unwrap())).collect()
}

#[test]
fn what_fails_for_one_stops_none_of_the_others() {
    let scene = scene();
    for at_once in ["1", "3"] {
        let run = scene.json(&[":backup:make", "--all", "--max-parallel", at_once]);
        run.assert_code(9);
        let of_each = [("broken", 9), ("etc", 0), ("home", 0)].map(|(name, code)| (name.to_owned(), code));
        assert_eq!(ends(&run.last()), of_each);
        let reports = run.lines().into_iter().filter(|line| line["event"] == "ended").count();
        assert_eq!(reports, 3, "{run:?}");
    }
    // A name that is mistyped is one that fails, wherever it stands.
    let run = scene.json(&[":backup:make", "hom", "home", "home", "etc"]);
    run.assert_code(3);
    assert_eq!(ends(&run.last()).into_iter().map(|(_, code)| code).collect::<Vec<_>>(), [3, 0, 0]);
    let run = scene.run(&["backup", "make", "--all"]);
    run.assert_code(9);
    assert!(
        run.said().contains("broken: failed") && run.said().contains("1 of 3 failed: broken (program, exit code 9)"),
        "{run:?}"
    );
    assert!(run.stdout.contains("etc: v4 made") && run.stdout.contains("home: v4 made"), "{run:?}");
    let run = scene.run(&[":backup:verify", "--tag", "nightly"]);
    run.assert_code(0);
    assert!(run.stdout.contains("etc: v4 is intact") && run.stdout.contains("all 2 succeeded"), "{run:?}");
    scene.run(&[":backup:verify", "etc", "home", "--version", "2"]).assert_code(2);
    scene.run(&[":backup:make"]).assert_code(2);
    scene.json(&[":backup:make", "--tag", "weekly"]).assert_code(3).assert_error(&["no backup has the tag weekly"]);
}

#[test]
fn the_newest_version_of_each_is_listed_and_a_store_that_cannot_be_asked_hides_none() {
    let scene = scene();
    scene.run(&[":backup:make", "etc", "home"]).assert_code(0);
    let run = scene.run(&[":backup:list"]);
    run.assert_code(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    assert!(lines[0].starts_with("broken  -  there is no version"), "{run:?}");
    assert!(lines[1].starts_with("etc     v1 ") && lines[2].starts_with("home    v1 "), "{run:?}");
    fs::remove_dir_all(scene.at("other")).unwrap();
    fs::write(scene.at("other"), "no folder").unwrap();
    let run = scene.json(&[":backup:list", "--tag", "own", "--tag", "nightly"]);
    run.assert_code(10);
    let listed = &run.last()["backups"];
    assert_eq!((&listed[0]["backup"], &listed[0]["newest"]["number"]), (&"etc".into(), &1.into()), "{run:?}");
    assert!(listed[1]["newest"].is_null() && listed[1]["error"].is_string(), "{run:?}");
}

#[test]
fn what_is_quiet_says_nothing_of_success() {
    let scene = scene();
    let run = scene.run(&["--quiet", ":backup:make", "etc", "home"]);
    run.assert_code(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = scene.run(&[":backup:make", "-q", "etc", "broken"]);
    run.assert_code(9);
    assert!(run.stdout.is_empty() && run.said().contains("broken: failed") && !run.said().contains("etc"), "{run:?}");
}

#[test]
fn a_default_is_wrong_where_it_stands() {
    let scene = scene();
    let text = fs::read_to_string(scene.config()).unwrap();
    for (from, to, words) in [
        ("access: here", "access: hre", ["is not an entry of accesses", "did you mean"]),
        ("tags: [nightly] }", "tags: nightly }", ["tags", "must be a list"]),
        ("defaults: { access", "defaults: { collection_id: x, access", ["collection_id", "cannot be a default"]),
        ("defaults: { access", "defaults: { acess", ["unknown key", "acess"]),
        ("access: here, ", "", ["access", "in `defaults`"]),
    ] {
        fs::write(scene.config(), text.replacen(from, to, 1)).unwrap();
        let run = scene.json(&[":config:check"]);
        run.assert_code(3).assert_error(&words);
        let errors = run.last()["errors"].as_array().unwrap().len();
        assert!(errors <= 2, "once for all backups: {run:?}");
    }
}

#[test]
fn old_versions_go_after_a_commit_and_a_plan_of_it_is_shown() {
    let scene = scene();
    let text = fs::read_to_string(scene.config()).unwrap();
    let with = |more: &str| {
        fs::write(scene.config(), text.replacen("defaults: {", &format!("defaults: {{ {more},"), 1)).unwrap()
    };
    with("time_zone: Europe/Warsaw, retention: { keep_last: 2 }");
    for _ in 0..2 {
        scene.run(&[":backup:make", "etc", "home"]).assert_code(0);
    }
    let run = scene.run(&[":backup:make", "etc", "home"]);
    run.assert_code(0);
    assert!(run.stdout.contains("; 1 old version removed"), "{run:?}");
    assert_eq!(fs::read_dir(scene.at("store").join("etc")).unwrap().count(), 4, "two messages, two version files");
    with("retention: { keep_daily: 1 }");
    let run = scene.run(&[":backup:prune", "etc", "--dry-run"]);
    run.assert_code(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "etc: v3       kept: daily, newest good version",
            "etc: v2       would go",
            "etc: 1 version would be removed, 1 kept"
        ]
    );
    with("retention: { keep_last: 1 }");
    let run = scene.json(&[":backup:prune", "--tag", "nightly"]);
    run.assert_code(0);
    assert_eq!(ends(&run.last()).len(), 2);
    let ended: Vec<_> = run.lines().into_iter().filter(|line| line["event"] == "ended").collect();
    assert!(ended.iter().all(|ended| ended["report"]["pruned"]["removed"] == serde_json::json!(["v2"])), "{run:?}");
    fs::write(scene.config(), &text).unwrap();
    scene.json(&[":backup:prune", "etc"]).assert_code(15).assert_error(&["has no `retention`"]);
    for (more, words) in [
        ("retention: {}", ["no rule that keeps anything", "keep_daily"]),
        ("retention: { keep_daily: 0, min_keep: 3 }", ["no rule that keeps anything", "keep_within"]),
        ("retention: { keep_within: soon }", ["keep_within", "is not a duration"]),
        ("retention: { keep_dayly: 7 }", ["keep_dayly", "did you mean \\\"keep_daily\\\"?"]),
        ("retention: { keep_last: 1 }, time_zone: Mars/Olympus", ["no time zone", "tzdata"]),
    ] {
        with(more);
        scene.json(&[":config:check"]).assert_code(3).assert_error(&words);
    }
}

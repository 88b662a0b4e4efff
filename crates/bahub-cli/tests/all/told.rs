//! What becomes of runs is written down, and told to those whom the configuration names.

use std::fs;
use std::io::Write;

use serde_json::Value;

use super::support::{EMAIL, Scene};

/// A configuration with a backup and these notifiers; `{file}` in them stands for the file of [`told`].
fn scene(meta: &str, notifiers: &str) -> Scene {
    let scene = Scene::new();
    write(&scene, meta, notifiers);
    scene
}

fn write(scene: &Scene, meta: &str, notifiers: &str) {
    let keys = scene.keys();
    let text = format!(
        "accesses:\n  here: {{ url: \"file://{store}\" }}\n\
         encryption:\n  key: {{ private_key_path: {private}, public_key_path: {public}, email: {EMAIL} }}\n\
         transports:\n  local: {{ type: bahub.transports.sh }}\n\
         defaults: {{ access: here, encryption: key, transport: local }}\n\
         backups:\n  tree:\n    meta: {{ type: bahub.adapters.filesystem{meta} }}\n    spec: {{ paths: [\"{data}\"] }}\n\
         notifiers:\n{notifiers}",
        store = scene.at("store").display(),
        private = keys.private().display(),
        public = keys.public().display(),
        data = scene.data().display(),
        notifiers = notifiers.replace("{file}", &scene.at("told").display().to_string()),
    );
    fs::write(scene.config(), text).unwrap();
}

const EVERYTHING: &str = "  all:\n    type: exec\n    on: [start, success, warning, failure, recovered, drill]\n    \
                          spec: { command: [sh, -c, 'cat >> {file}; echo >> {file}'] }\n";

/// Everything that was told so far, in order.
fn told(scene: &Scene) -> Vec<Value> {
    let text = fs::read_to_string(scene.at("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn occasions(scene: &Scene) -> Vec<String> {
    told(scene).iter().map(|told| told["occasion"].as_str().unwrap().to_owned()).collect()
}

fn status(scene: &Scene) -> Value {
    let run = scene.json(&[":status"]);
    run.last()["backups"][0].clone()
}

#[test]
fn a_failure_is_told_with_the_last_good_version_and_so_is_that_it_works_again() {
    let scene = scene("", EVERYTHING);
    scene.json(&[":status"]).assert_code(19);
    assert_eq!(status(&scene)["state"], "never");
    scene.make();
    scene.json(&[":status"]).assert_code(0);
    let away = scene.at("away");
    fs::rename(scene.data(), &away).unwrap();
    for _ in 0..2 {
        scene.json(&[":backup:make", "tree"]).assert_code(9);
    }
    scene.json(&[":status"]).assert_code(19);
    let failing = status(&scene);
    assert_eq!((&failing["state"], &failing["failures"]), (&"failing".into(), &2.into()), "{failing}");
    let shown = scene.run(&[":status"]);
    assert!(shown.stdout.contains("FAILING") && shown.stdout.contains("tree: failing since "), "{shown:?}");
    fs::rename(&away, scene.data()).unwrap();
    scene.make();
    assert_eq!(occasions(&scene), ["start", "success", "start", "failure", "start", "failure", "start", "recovered"]);

    let told = told(&scene);
    let (first, second, recovered) = (&told[3], &told[5], &told[7]);
    assert_eq!(first["title"], "tree: backup failed");
    let body = first["body"].as_str().unwrap();
    for words in ["What to do: ", "Last good version: v1, less than a minute ago", "(1 run)", "exit code 9 (program)"] {
        assert!(body.contains(words), "{words:?} is not in: {body}");
    }
    assert!(second["body"].as_str().unwrap().contains("(2 runs)"), "{second}");
    // Kept in milliseconds.
    let milliseconds = |time: &Value| time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(milliseconds(&second["past"]["failing_since"]), milliseconds(&first["time"]), "{second}");
    assert_eq!(recovered["title"], "tree: backup works again");
    assert!(recovered["body"].as_str().unwrap().contains("Had failed since"), "{recovered}");
    assert_eq!(recovered["record"]["report"]["version"], "v2");

    let history = scene.json(&[":history"]);
    let runs = history.last()["runs"].as_array().unwrap().clone();
    let outcomes: Vec<_> = runs.iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "failed", "failed", "succeeded"]);
    let failed = scene.json(&[":history", "tree", "--failed", "--since", "1h", "--limit", "1"]);
    assert_eq!(failed.last()["runs"].as_array().unwrap().len(), 1);
    assert_eq!(scene.json(&[":history", "other"]).last()["runs"], Value::Array(Vec::new()));
}

#[test]
fn what_keeps_a_run_from_its_start_is_told_too() {
    let scene = scene(", compression: { level: '${LEVEL}' }", EVERYTHING);
    scene.run(&[":backup:make", "tree"]).assert_code(3);
    // Of the whole file: a section that nobody knows.
    let text = fs::read_to_string(scene.config()).unwrap();
    fs::write(scene.config(), format!("{text}backup: {{}}\n")).unwrap();
    scene.run(&[":backup:make", "tree"]).assert_code(3);
    fs::write(scene.config(), text.replace("path: ", "path: /nowhere")).unwrap();
    scene.run(&[":backup:verify", "tree"]).assert_code(3);
    let told = told(&scene);
    let bodies: Vec<_> = told.iter().map(|told| told["body"].as_str().unwrap()).collect();
    assert_eq!(occasions(&scene), ["failure"; 3]);
    assert!(bodies[0].contains("LEVEL is not set") && bodies[0].contains("none that this host knows of"), "{bodies:?}");
    assert!(bodies[1].contains("unknown section \"backup\"") && told[1]["backup"].is_null(), "{told:?}");
    assert!(told[1]["title"].as_str().unwrap().ends_with(": the configuration cannot be used"), "{told:?}");
    assert!(bodies[2].contains("cannot read the key file"), "{bodies:?}");
    assert_eq!(status(&scene)["state"], "failing");
}

#[test]
fn a_notifier_that_fails_or_hangs_fails_no_backup_and_is_reported() {
    let notifiers = "  refuses:\n    type: exec\n    on: [success]\n    retries: 0\n    spec: { command: [sh, -c, 'echo no >&2; exit 3'] }\n  \
                     hangs:\n    type: exec\n    on: [success]\n    timeout: 1\n    spec: { command: [sleep, '1000'] }\n  \
                     gone:\n    type: exec\n    on: [success]\n    spec: { command: [/nowhere/notify] }\n";
    let scene = scene("", notifiers);
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(0);
    let lines = run.lines();
    let trouble: Vec<_> = lines.iter().filter(|line| line["event"] == "not-notified").collect();
    assert_eq!(trouble.len(), 3, "{run:?}");
    let message = |name: &str| {
        let trouble = trouble.iter().find(|trouble| trouble["notifier"] == name);
        trouble.unwrap_or_else(|| panic!("nothing about {name}: {run:?}"))["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("refuses"), "sh ended with exit code 3: no");
    assert!(message("hangs").contains("not delivered within 1 s"), "{run:?}");
    assert!(message("gone").contains("cannot run /nowhere/notify: No such file"), "{run:?}");
    let status = scene.run(&[":status"]);
    status.assert_code(0);
    assert!(status.stdout.contains("notifier refuses: has delivered nothing since "), "{status:?}");
    let test = scene.run(&[":notify:test", "refuses"]);
    test.assert_code(1);
    assert!(test.stderr.contains("refuses: failed: sh ended with exit code 3: no"), "{test:?}");
    scene.run(&[":notify:test", "nobody"]).assert_code(3);
}

#[test]
fn who_is_told_of_what_is_as_configured() {
    let notifiers = "  silent: { type: none }\n  \
                     failures: { type: exec, spec: { command: [sh, -c, 'cat >> {file}; echo >> {file}'] } }\n  \
                     others: { type: exec, on: [success], backups: [tree], tags: [other], spec: { command: ['false'] } }\n  \
                     titled:\n    type: exec\n    on: [success]\n    title: 'T {{ backup }} {{ record.report.version }} {{ record.error.message }}|'\n    \
                     spec: { command: [sh, -c, 'cat >> {file}; echo >> {file}'] }\n";
    let scene = scene(", notify: [failures, others, titled]", notifiers);
    // Another backup has the tag.
    let other = "  second:\n    meta: { type: bahub.adapters.filesystem, tags: [other] }\n    spec: { paths: [/etc] }\nnotifiers:";
    let add_other = || {
        let text = fs::read_to_string(scene.config()).unwrap();
        fs::write(scene.config(), text.replace("notifiers:", other)).unwrap();
    };
    add_other();
    let run = scene.make();
    assert!(run.lines().iter().all(|line| line["event"] != "not-notified"), "{run:?}");
    let told_so_far = told(&scene);
    assert_eq!(told_so_far.len(), 1, "{told_so_far:?}");
    assert_eq!(told_so_far[0]["title"], "T tree v1 |");
    write(&scene, ", notify: []", notifiers);
    add_other();
    scene.make();
    assert_eq!(told(&scene).len(), 1);
    write(&scene, ", notify: [failure]", notifiers);
    let run = scene.json(&[":config:check"]);
    run.assert_code(3).assert_error(&["\\\"failure\\\" is not an entry of notifiers", "did you mean \\\"failures\\\""]);
    write(&scene, "", &notifiers.replace("{{ backup }}", "{{ backups }}"));
    add_other();
    scene.json(&[":config:check"]).assert_code(3).assert_error(&["unknown variable \\\"backups\\\"", "titled"]);
}

#[test]
fn a_history_that_cannot_be_kept_or_read_fails_no_backup() {
    let scene = scene("", "  silent: { type: none }\n");
    fs::write(scene.state(), "in the way").unwrap();
    let run = scene.run(&[":backup:make", "tree"]);
    run.assert_code(0);
    assert!(run.stderr.contains("cannot keep a history in"), "{run:?}");
    fs::remove_file(scene.state()).unwrap();
    scene.make();
    // A file that was overwritten is put aside, and a new history begins.
    let file = scene.state().join("history.db");
    fs::OpenOptions::new().write(true).truncate(true).open(&file).unwrap().write_all(&[7; 8192]).unwrap();
    for rest in ["history.db-wal", "history.db-shm"] {
        let _ = fs::remove_file(scene.state().join(rest));
    }
    scene.json(&[":history"]).assert_code(1);
    scene.make();
    let names: Vec<_> = fs::read_dir(scene.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_string_lossy().starts_with("history.db.damaged-")), "{names:?}");
    assert_eq!(scene.json(&[":history"]).last()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_that_is_mistyped_wakes_nobody_up() {
    let scene = scene("", EVERYTHING);
    scene.json(&[":backup:make", "trie"]).assert_code(3);
    assert!(told(&scene).is_empty());
    assert_eq!(scene.json(&[":history"]).last()["runs"], Value::Array(Vec::new()));
}

#[test]
fn a_notifier_that_would_never_be_asked_is_refused() {
    for (meta, entry, words) in [
        (", tags: [production]", "tags: [prodction], ", &["no backup has the tag", "did you mean"][..]),
        ("", "on: [], ", &["\\\"on\\\" must not be empty"]),
        (", tags: ['${ENV}']", "", &["\\\"tags\\\" cannot hold variables"]),
        (", notify: ['${ENV}']", "", &["not an entry of notifiers"]),
    ] {
        let notifier = format!("  n: {{ type: exec, {entry}spec: {{ command: ['true'] }} }}\n");
        scene(meta, &notifier).json(&[":config:check"]).assert_code(3).assert_error(words);
    }
}

#[test]
fn a_program_that_leaves_a_child_behind_has_ended_and_one_that_hangs_is_killed_with_its_children() {
    let notifiers = "  leaves: { type: exec, on: [success], spec: { command: [sh, -c, 'sleep 1000 & echo $! > {file}.left'] } }\n  \
                     hangs: { type: exec, on: [success], timeout: 1, retries: 0, spec: { command: [sh, -c, 'sleep 1000 & echo $! > {file}.child; wait'] } }\n";
    let scene = scene("", notifiers);
    let run = scene.json(&[":backup:make", "tree"]);
    let failed: Vec<_> = run.lines().into_iter().filter(|line| line["event"] == "not-notified").collect();
    assert_eq!(failed.len(), 1, "{run:?}");
    assert_eq!(failed[0]["notifier"], "hangs");
    let alive = |name: &str| {
        let pid = fs::read_to_string(scene.at(name)).unwrap();
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let is_alive = !state.is_empty() && !state.contains(") Z ");
        let _ = std::process::Command::new("kill").arg(pid.trim()).output();
        is_alive
    };
    assert!(alive("told.left"));
    assert!(!alive("told.child"));
}

/// Secrets of the store, of the keys, of notifiers, of variables; said by a hook, and by a program that fails.
#[test]
fn planted_secrets_are_in_no_message_history_or_output() {
    const SECRETS: [&str; 9] = [
        "planted-store-password",
        "planted-passphrase",
        "planted-hook-path",
        "planted-query",
        "planted-hmac",
        "planted-header",
        "planted-token",
        "planted-smtp",
        "planted-variable",
    ];
    let scene = Scene::new().with_variable("SAID", "planted-variable");
    let keys = scene.keys();
    let said = format!("sh, -c, 'echo {}; echo {} >&2; exit 1'", SECRETS.join(" "), SECRETS.join(" "));
    let told = scene.at("told").display().to_string();
    let text = format!(
        "accesses:\n  here: {{ url: \"http://127.0.0.1:1\", username: abc-user, password: planted-store-password }}\n\
         encryption:\n  key: {{ private_key_path: {private}, public_key_path: {public}, passphrase: planted-passphrase, email: {EMAIL} }}\n\
         transports:\n  local: {{ type: bahub.transports.sh }}\n\
         backups:\n  tree:\n    meta:\n      type: bahub.adapters.command\n      access: here\n      encryption: key\n      transport: local\n      \
         hooks: [{{ when: before, on_error: warn, command: [{said}] }}, {{ when: finally, command: [{said}] }}]\n    \
         spec: {{ capture: [{said}], restore: [cat], env: {{ TOKEN: '${{SAID}}' }} }}\n\
         notifiers:\n  chat: {{ type: slack, on: [failure], retries: 0, spec: {{ url: 'http://127.0.0.1:1/planted-hook-path?token=planted-query' }} }}\n  \
         hook: {{ type: webhook, on: [failure], retries: 0, spec: {{ url: 'http://127.0.0.1:1/', secret: planted-hmac, headers: {{ X-Key: planted-header }} }} }}\n  \
         push: {{ type: gotify, on: [failure], retries: 0, spec: {{ url: 'http://127.0.0.1:1/', token: planted-token }} }}\n  \
         mail: {{ type: email, on: [failure], retries: 0, spec: {{ host: 127.0.0.1, port: 1, user: u, password: planted-smtp, from: a@b, to: [a@b] }} }}\n  \
         said: {{ type: exec, on: [start, failure], retries: 0, spec: {{ command: [sh, -c, 'cat >> {told}; exit 1'] }} }}\n",
        private = keys.private().display(),
        public = keys.public().display(),
    );
    fs::write(scene.config(), text).unwrap();
    let mut outputs = String::new();
    for args in [
        &[":backup:make", "tree"][..],
        &["--debug", ":backup:make", "tree"],
        &[":status"],
        &[":history"],
        &[":notify:test"],
        &[":config:show", "tree"],
    ] {
        for run in [scene.run(args), scene.json(args)] {
            assert_ne!(run.status.code(), Some(2), "{run:?}");
            for secret in SECRETS {
                assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{args:?}: {secret}: {run:?}");
            }
            outputs.push_str(&run.stdout);
            outputs.push_str(&run.stderr);
        }
    }
    let mut places = vec![("the outputs".to_owned(), outputs.into_bytes())];
    places.push(("what was told".to_owned(), fs::read(scene.at("told")).unwrap()));
    for entry in fs::read_dir(scene.state()).unwrap() {
        let entry = entry.unwrap();
        places.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()));
    }
    for (place, content) in places {
        // What was written lately, and a lock, may be empty.
        assert!(!content.is_empty() || place.contains("-wal") || place.ends_with(".lock"), "{place}");
        for secret in SECRETS {
            assert!(!bahub_testkit::contains(&content, secret.as_bytes()), "{secret} is in {place}");
        }
    }
}

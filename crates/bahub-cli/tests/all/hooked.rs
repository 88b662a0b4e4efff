//! Hooks: when they run, where, and what becomes of their failures.

use std::fs;

use rustix::process::Signal;

use super::support::Scene;

/// A hook that writes its variables and this word into a file.
fn hook(scene: &Scene, when: &str, around: &str, location: &str) -> String {
    let file = scene.at("hooks").display().to_string();
    format!(
        "{{ when: {when}, around: {around}, where: {location}, command: [sh, -c, 'echo $BAHUB_HOOK $BAHUB_OUTCOME $BAHUB_BACKUP {around} {location} >> {file}; echo said'] }}"
    )
}

fn every_hook(scene: &Scene) -> String {
    let mut hooks = Vec::new();
    for when in ["before", "after_success", "after_failure", "finally"] {
        for around in ["run", "capture"] {
            for location in ["controller", "data"] {
                hooks.push(hook(scene, when, around, location));
            }
        }
    }
    format!(", hooks: [{}]", hooks.join(", "))
}

fn ran(scene: &Scene) -> Vec<String> {
    let text = fs::read_to_string(scene.at("hooks")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_hook_runs_at_its_moment_and_stands_in_the_report() {
    let scene = Scene::new();
    let hooks = every_hook(&scene);
    let scene = scene.with_meta(&hooks);
    let run = scene.make();
    let expected = [
        "before unknown tree run controller",
        "before unknown tree run data",
        "before unknown tree capture controller",
        "before unknown tree capture data",
        "after_success success tree capture controller",
        "after_success success tree capture data",
        "finally success tree capture controller",
        "finally success tree capture data",
        "after_success success tree run data",
        "finally success tree run data",
        "after_success success tree run controller",
        "finally success tree run controller",
    ];
    assert_eq!(ran(&scene), expected);
    let reports = run.report()["hooks"].as_array().unwrap().clone();
    assert_eq!(reports.len(), expected.len(), "{run:?}");
    assert!(reports.iter().all(|hook| hook["output"][0] == "said" && hook["error"].is_null()), "{run:?}");
}

#[test]
fn what_fails_before_ends_the_run_and_what_fails_later_is_a_warning() {
    let scene = Scene::new();
    let after = format!(
        "{}, {}",
        hook(&scene, "after_failure", "run", "controller"),
        hook(&scene, "finally", "run", "controller")
    );
    let fails = |when: &str, more: &str| format!("{{ when: {when}, command: [sh, -c, 'echo why >&2; exit 3'] {more}}}");
    let scene = scene.with_meta(&format!(", hooks: [{}, {after}]", fails("before", "")));
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(8).assert_error(&["the hook sh (before) failed", "exit status 3", "on_error"]);
    assert!(scene.list().is_empty());
    assert_eq!(ran(&scene), ["after_failure failure tree run controller", "finally failure tree run controller"]);
    let scene = scene.with_meta(&format!(
        ", hooks: [{}, {}, {}, {}]",
        fails("before", ", on_error: ignore"),
        fails("after_success", ", around: capture"),
        fails("finally", ""),
        "{ when: finally, command: [sleep, '1000'], timeout: 1 }",
    ));
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(0);
    assert_eq!(run.report()["warnings"].as_array().unwrap().len(), 3, "{run:?}");
    assert_eq!(run.report()["hooks"].as_array().unwrap().len(), 4, "{run:?}");
    let scene = scene.with_meta(", hooks: [{ when: finally, command: ['true'], on_error: abort }]");
    scene.json(&[":config:check"]).assert_code(3).assert_error(&["only a hook before a run can end it"]);
    let scene = scene.with_meta(", hooks: [{ when: later, command: [] }]");
    scene.json(&[":config:check"]).assert_code(3).assert_error(&[
        "\\\"when\\\" has an unknown value",
        "after_success",
        "\\\"command\\\" must not be empty",
    ]);
}

#[test]
fn the_end_comes_after_a_cancellation_and_after_a_panic_too() {
    let scene = Scene::new();
    let hooks = every_hook(&scene);
    let scene = scene.with_meta(&hooks);
    let moments = ["panic:phase.opening", "panic:phase.capturing", "panic:phase.committing"];
    for moment in moments {
        let _ = fs::remove_file(scene.at("hooks"));
        scene.command(&[":backup:make", "tree"]).env("BAHUB_FAULT_POINT", moment).output().unwrap();
        let ran = ran(&scene);
        let last = ["after_failure failure tree run controller", "finally failure tree run controller"];
        assert!(ran.ends_with(&last.map(str::to_owned)), "{moment}: {ran:?}");
    }
    let slow = Scene::new();
    let hooks = every_hook(&slow);
    let slow = slow.with_meta(&hooks);
    let text = fs::read_to_string(slow.config()).unwrap();
    let text = text.replace("type: bahub.adapters.filesystem", "type: bahub.adapters.command");
    let text =
        text.replace(&format!("paths: [\"{}\"]", slow.data().display()), "capture: [sleep, '1000'], restore: [cat]");
    fs::write(slow.config(), text).unwrap();
    let mut run = slow.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    run.signal(Signal::TERM);
    run.finish().assert_code(130);
    let expected = [
        "after_failure failure tree capture controller",
        "after_failure failure tree capture data",
        "finally failure tree capture controller",
        "finally failure tree capture data",
        "after_failure failure tree run data",
        "finally failure tree run data",
        "after_failure failure tree run controller",
        "finally failure tree run controller",
    ];
    assert!(ran(&slow).ends_with(&expected.map(str::to_owned)), "{:?}", ran(&slow));
}

//! Removing old versions: what is killed in the middle, what dead runs left, what has a tag.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, SystemTime};

use super::support::Scene;

/// Five versions, and a retention that keeps two.
fn scene() -> Scene {
    let scene = Scene::new();
    (0..5).for_each(|_| drop(scene.make()));
    scene.with_meta(", retention: { keep_last: 2, keep_tags: [before-upgrade] }")
}

fn make_old(scene: &Scene, name: &str) {
    let file = File::options().write(true).open(scene.versions_folder().join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(2 * 86_400)).unwrap();
}

#[test]
fn a_prune_that_is_killed_at_any_step_leaves_whole_versions_and_the_next_one_finishes() {
    for moment in ["phase.pruning", "prune.version", "directory.version-removed", "prune.removed", "phase.closing"] {
        let scene = scene();
        let status = scene.command(&[":backup:prune", "tree"]).env("BAHUB_FAULT_POINT", moment).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{moment}");
        let left = scene.list();
        assert!(left.ends_with(&["4".into(), "5".into()]), "{moment}: {left:?}");
        for version in &left {
            scene.json(&[":backup:verify", "tree", "--version", version]).assert_code(0);
        }
        scene.json(&[":backup:prune", "tree"]).assert_code(0);
        assert_eq!(scene.list(), ["4", "5"], "{moment}");
        // What was cut off in the middle is a leftover, which goes when it is a day old.
        let messages = || scene.store_files().into_iter().filter(|name| name.ends_with(".pgp")).collect::<Vec<_>>();
        messages().iter().for_each(|name| make_old(&scene, name));
        let run = scene.json(&[":backup:prune", "tree"]);
        let leftovers = run.report()["pruned"]["leftovers"].as_array().unwrap().len();
        assert_eq!(leftovers, usize::from(moment == "directory.version-removed"), "{moment}: {run:?}");
        assert_eq!(messages().len(), 2, "{moment}");
        scene.json(&[":backup:verify", "tree"]).assert_code(0);
    }
}

#[test]
fn leftovers_of_dead_runs_go_unless_a_version_cannot_be_read() {
    let scene = scene();
    for name in [".20260101T000000Z-0123456789abcdef.part", "20260101T000000Z-0123456789abcdef.pgp", ".young.part"] {
        fs::write(scene.versions_folder().join(name), "left").unwrap();
        if !name.contains("young") {
            make_old(&scene, name);
        }
    }
    let file = scene.versions_folder().join("v000004.json");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let run = scene.json(&[":backup:prune", "tree"]);
    run.assert_code(0);
    assert!(run.report()["warnings"].to_string().contains("leftovers of dead runs are not removed"), "{run:?}");
    fs::write(&file, whole).unwrap();
    let dry = scene.run(&[":backup:prune", "tree", "--dry-run"]);
    assert_eq!(dry.stdout.matches("would go: of a run that died").count(), 2, "{dry:?}");
    let run = scene.json(&[":backup:prune", "tree"]);
    assert_eq!(run.report()["pruned"]["leftovers"].as_array().unwrap().len(), 2, "{run:?}");
    let parts: Vec<_> = scene.store_files().into_iter().filter(|name| name.ends_with(".part")).collect();
    assert_eq!(parts, [".young.part"]);
    scene.json(&[":backup:verify", "tree"]).assert_code(0);
}

#[test]
fn a_version_with_a_tag_stays() {
    let scene = scene();
    scene.json(&[":backup:make", "tree", "--version-tag", "before-upgrade"]).assert_code(0);
    scene.make();
    scene.make();
    assert_eq!(scene.list(), ["6", "7", "8"]);
    let listed = scene.run(&[":backup:list", "tree"]);
    assert!(listed.stdout.lines().next().unwrap().ends_with("  [before-upgrade]"), "{listed:?}");
    let plan = scene.run(&[":backup:prune", "tree", "--dry-run"]);
    assert!(plan.stdout.contains("kept: tag \"before-upgrade\""), "{plan:?}");
    let scene = scene.with_meta(", retention: { keep_tags: [before-upgrade] }");
    scene.json(&[":config:check"]).assert_code(3).assert_error(&["no rule that keeps anything"]);
}

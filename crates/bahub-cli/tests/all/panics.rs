//! A bug of ours at each moment of a run: nothing stays, and the exit code says that it was a bug.

use super::support::Scene;

fn with_panic_at(scene: &Scene, moment: &str, args: &[&str]) {
    let output = scene.command(args).env("BAHUB_FAULT_POINT", format!("panic:{moment}")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(101), "{moment}: {said}");
    assert!(said.contains(&format!("injected at {moment}")) && said.contains("please report it"), "{said}");
}

#[test]
fn a_panic_at_each_phase_of_a_backup_is_a_documented_end_and_the_next_run_works() {
    let scene = Scene::new();
    for phase in ["opening", "checking", "capturing", "committing", "closing"] {
        let before = scene.list().len();
        with_panic_at(&scene, &format!("phase.{phase}"), &[":backup:make", "tree"]);
        // Only what was committed before it is there.
        assert_eq!(scene.list().len() - before, usize::from(phase == "closing"), "{phase}");
        scene.make();
    }
}

#[test]
fn a_panic_at_each_phase_of_a_restore_is_too() {
    let scene = Scene::new();
    scene.make();
    for phase in ["opening", "checking", "proving", "quiescing", "replaying", "closing"] {
        let moment = format!("phase.{phase}");
        with_panic_at(&scene, &moment, &[":backup:restore", "tree", "--to", &format!("out-{phase}"), "--yes"]);
    }
    for phase in ["proving", "closing"] {
        with_panic_at(&scene, &format!("phase.{phase}"), &[":backup:verify", "tree"]);
    }
    for phase in ["downloading", "closing"] {
        let file = format!("file-{phase}");
        with_panic_at(&scene, &format!("phase.{phase}"), &[":backup:restore", "tree", "--download", &file]);
        assert!(phase == "closing" || !scene.at(&file).exists());
    }
    let left: Vec<_> = std::fs::read_dir(scene.at("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
    scene.assert_restores("out");
}

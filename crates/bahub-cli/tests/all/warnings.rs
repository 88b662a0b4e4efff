//! Between success and failure: warnings in the report.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::support::{Gate, REAL_TAR, Run, Running, Scene, is_create, shim};

/// Makes a backup of a file that grows while tar is in the midst of it.
fn make_while_it_changes(scene: &mut Scene, more: &[&str]) -> Run {
    let mut gate = Gate::new(scene, "middle");
    let line = format!(
        "exec bash -c 'set -o pipefail; {REAL_TAR} \"$@\" | {{ head -c 100000; {}; {}; cat; }}' bash \"$@\"",
        gate.announce().replace('\'', ""),
        gate.wait().replace('\'', "")
    );
    shim(scene, &is_create(&line));
    let running = scene.start(&[&[":backup:make", "tree"][..], more].concat());
    gate.reached();
    let mut file = fs::OpenOptions::new().append(true).open(scene.data().join("noise")).unwrap();
    file.write_all(b"more").unwrap();
    gate.open();
    running.finish()
}

#[test]
fn a_file_that_changes_as_it_is_read_is_a_warning() {
    for (more, code) in [(&[][..], 0), (&["--fail-on-warnings"][..], 4)] {
        let mut scene = Scene::with_noise(3_000_000);
        let run = make_while_it_changes(&mut scene, more);
        run.assert_code(code);
        let report = run.report();
        assert_eq!(report["outcome"], "succeeded_with_warnings");
        let warnings = report["warnings"].to_string();
        assert!(warnings.contains("noise: file changed as we read it"), "{warnings}");
        assert_eq!(scene.list(), ["1"]);
    }
}

/// The program as a user who is not root, who owns everything of the scene but what root takes back.
fn as_nobody(scene: &Scene, args: &[&str]) -> Run {
    let program = scene.at("program");
    // Copied by another program: a child that a test forks meanwhile would inherit the open file, which then cannot be run.
    let copied = Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_bahub")]).arg(&program).status();
    assert!(copied.unwrap().success());
    let status =
        Command::new("chown").args(["-R", "65534:65534"]).arg(scene.at("")).arg(scene.keys().folder()).status();
    assert!(status.unwrap().success());
    let secret = scene.data().join("secret");
    std::os::unix::fs::chown(&secret, Some(0), Some(0)).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--", "./program", "--output", "json"];
    let run = Running::start(scene.command_of("setpriv", &[&user[..], args].concat())).finish();
    fs::remove_file(program).unwrap();
    run
}

fn scene_with_a_secret(spec: &str) -> Scene {
    let scene = Scene::new().with_spec(spec);
    fs::write(scene.data().join("secret"), "of root").unwrap();
    scene
}

#[test]
fn an_unreadable_file_is_a_failure() {
    let scene = scene_with_a_secret("");
    let run = as_nobody(&scene, &[":backup:make", "tree"]);
    run.assert_code(9).assert_error(&["secret", "Permission denied", "on_unreadable: warn"]);
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn an_unreadable_file_is_a_warning_where_that_was_asked_for() {
    let scene = scene_with_a_secret(", on_unreadable: warn");
    let run = as_nobody(&scene, &[":backup:make", "tree"]);
    run.assert_code(0);
    let report = run.report();
    assert_eq!(report["outcome"], "succeeded_with_warnings");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("secret") && warnings.contains("Permission denied"), "{warnings}");
    assert_eq!(scene.list(), ["1"]);
}

#[test]
fn a_path_that_does_not_exist_is_a_failure_always() {
    for spec in ["", ", on_unreadable: warn"] {
        let scene = Scene::new().with_spec(spec);
        fs::remove_dir_all(scene.data()).unwrap();
        let run = scene.json(&[":backup:make", "tree"]);
        run.assert_code(9).assert_error(&["paths"]);
        assert_eq!(scene.store_files(), [""; 0]);
    }
}

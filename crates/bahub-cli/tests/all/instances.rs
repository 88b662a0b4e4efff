//! A version goes back to where it came from, or the user decides that it goes elsewhere.

use std::fs;
use std::process::Command;

use super::support::{Pty, Scene};

/// Another name, and the id of another machine: one that was only renamed is the same.
const OTHER_HOST: &str = r#"
hostname other-host && id=$(mktemp) && echo 0123456789abcdef0123456789abcdef >"$id" && mount --bind "$id" /etc/machine-id &&
rm "$id" && exec "$0" "$@""#;

/// The program on another host.
fn elsewhere(scene: &Scene, args: &[&str]) -> Command {
    let script = ["--uts", "--mount", "sh", "-c", OTHER_HOST, env!("CARGO_BIN_EXE_bahub")];
    scene.command_of("unshare", &[&script[..], args].concat())
}

fn made_elsewhere() -> Scene {
    let scene = Scene::new();
    assert!(elsewhere(&scene, &[":backup:make", "tree"]).status().unwrap().success());
    fs::write(scene.data().join("a file"), "of this host").unwrap();
    scene
}

#[test]
fn yes_alone_overwrites_no_other_workload() {
    let scene = made_elsewhere();
    let run = scene.json(&[":backup:restore", "tree", "--yes"]);
    run.assert_code(17).assert_error(&["host other-host", "--other-instance"]);
    assert_eq!(fs::read_to_string(scene.data().join("a file")).unwrap(), "of this host");
    scene.json(&[":backup:restore", "tree", "--other-instance"]).assert_code(17).assert_error(&["--yes"]);
    scene.json(&[":backup:restore", "tree", "--to", "beside"]).assert_code(0);
    let run = scene.json(&[":backup:restore", "tree", "--yes", "--other-instance"]);
    run.assert_code(0);
    assert!(run.report()["notices"].to_string().contains("other-host"), "{run:?}");
    assert_eq!(fs::read_to_string(scene.data().join("a file")).unwrap(), "its content\n");
}

#[test]
fn a_terminal_is_asked_about_both() {
    let scene = made_elsewhere();
    for (answer, code) in [("no\n", 17), ("yes\n", 0)] {
        let mut command = scene.command(&[":backup:restore", "tree"]);
        command.env("TERM", "xterm").env("LANG", "C.UTF-8");
        let mut pty = Pty::start(command);
        pty.until("Type yes to continue:");
        pty.type_in("yes\n");
        let asked = pty.until("would overwrite the data of").to_owned();
        assert!(asked.contains("is a backup of host other-host"), "{asked}");
        pty.type_in(answer);
        let (status, shown) = pty.finish();
        assert_eq!(status.code(), Some(code), "{shown}");
        // Nothing was drawn over the question while it waited.
        let question = shown.split("this version is a backup of").nth(1).unwrap();
        let question = question.split("continue:").next().unwrap();
        assert!(!question.contains('\u{1b}'), "{question:?}");
    }
    assert_eq!(fs::read_to_string(scene.data().join("a file")).unwrap(), "its content\n");
}

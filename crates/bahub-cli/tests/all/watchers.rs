//! The reader of a run's output may be gone, paused or full: the run ends as it should.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::support::{Gate, Pty, Scene, is_create, is_gone, shim};

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe whose reader is gone.
fn broken() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A tar that writes this many lines on standard error, and then does its work.
fn loud(scene: &mut Scene, lines: usize) {
    let say = format!(
        "i=0; while [ $i -lt {lines} ]; do echo \"tar: line $i of many that nobody reads\" >&2; i=$((i+1)); done"
    );
    shim(scene, &is_create(&format!("{say}\nexec /usr/bin/tar \"$@\"")));
}

fn hanging(scene: &mut Scene) -> Gate {
    let gate = Gate::new(scene, "tar");
    shim(scene, &is_create(&format!("{}\n{}", gate.announce(), gate.wait())));
    gate
}

#[test]
fn a_full_disk_under_the_log_changes_nothing() {
    for output in ["text", "json"] {
        let mut scene = Scene::new();
        loud(&mut scene, 100);
        let mut command = scene.command(&["-vv", "--output", output, ":backup:make", "tree"]);
        let status = command.stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{output}");
        assert_eq!(scene.list(), ["1"]);
    }
}

#[test]
fn a_full_disk_and_a_signal_end_as_a_signal_does() {
    let mut scene = Scene::new();
    let gate = hanging(&mut scene);
    let mut command = scene.command(&["-vv", ":backup:make", "tree"]);
    let mut child = command.stdin(Stdio::null()).stdout(full()).stderr(full()).spawn().unwrap();
    let tar = gate.reached();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(is_gone(tar));
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn ctrl_c_into_a_dead_tee_ends_as_a_signal_does() {
    let mut scene = Scene::new();
    let gate = hanging(&mut scene);
    let mut command = scene.command(&["-vv", ":backup:make", "tree"]);
    let mut child = command.stdin(Stdio::null()).stdout(broken()).stderr(broken()).spawn().unwrap();
    let tar = gate.reached();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(is_gone(tar));
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn what_was_asked_for_and_cannot_be_written_is_a_failure() {
    let scene = Scene::new();
    scene.make();
    for args in [&[":backup:list", "tree"][..], &[":config:show", "tree"], &[":help:info"], &["--help"], &["--version"]]
    {
        let to = |stdout: Stdio| {
            let output = scene.command(args).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (code, said) = to(full().into());
        assert_eq!(code, Some(16), "{args:?}: {said}");
        assert!(said.contains("cannot write to standard output: No space left"), "{said}");
        assert_eq!(to(broken()), (Some(0), String::new()), "{args:?}");
    }
}

/// The program before a terminal that is its own, which hangs up on it when it is closed.
fn session(scene: &Scene, args: &[&str]) -> Command {
    let program = ["--ctty", env!("CARGO_BIN_EXE_bahub")];
    let mut command = scene.command_of("setsid", &[&program[..], args].concat());
    command.env("TERM", "xterm").env("LANG", "C.UTF-8");
    command
}

#[test]
fn a_terminal_that_is_closed_ends_the_run_as_a_signal_does() {
    let mut scene = Scene::new();
    let gate = hanging(&mut scene);
    let mut pty = Pty::start_paused(session(&scene, &["-vv", ":backup:make", "tree"]));
    let tar = gate.reached();
    pty.close();
    let (status, _) = pty.finish();
    assert_eq!(status.code(), Some(130));
    assert!(is_gone(tar));
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn a_terminal_that_goes_away_from_a_run_that_ignores_hangups_changes_nothing() {
    let mut scene = Scene::new();
    let mut gate = super::support::held_tar(&mut scene);
    let mut command = scene.command(&["-vv", ":backup:make", "tree"]);
    command.env("TERM", "xterm");
    let mut pty = Pty::start_paused(command);
    gate.reached();
    pty.close();
    gate.open();
    let (status, _) = pty.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(scene.list(), ["1"]);
}

#[test]
fn a_terminal_that_is_paused_holds_no_run_up() {
    let mut scene = Scene::new();
    loud(&mut scene, 5000);
    let mut command = scene.command(&["-vv", ":backup:make", "tree"]);
    command.env("TERM", "xterm");
    let pty = Pty::start_paused(command);
    // The version is there while the terminal still takes nothing; and it is not waited for for ever.
    let (status, _) = pty.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(scene.list(), ["1"]);
}

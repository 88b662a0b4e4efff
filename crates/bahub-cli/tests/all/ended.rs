//! Killed, interrupted, terminated, stalled in mid-capture.

use rustix::process::Signal;

use super::support::{COLLECTION, Gate, LIMIT, Scene, Server, held_tar, is_create, is_gone, shim, wait};

/// So long after the first a second signal is another wish.
const AFTER: std::time::Duration = std::time::Duration::from_millis(1500);

/// A tar that puts out half a megabyte, reaches the gate, and never ends by itself.
fn endless(scene: &mut Scene) -> Gate {
    let gate = Gate::new(scene, "tar");
    shim(scene, &is_create(&format!("head -c 500000 /dev/urandom\n{}\nexec cat /dev/zero", gate.announce())));
    gate
}

/// A tar that reaches the gate and then does nothing.
fn hanging(scene: &mut Scene) -> Gate {
    let gate = Gate::new(scene, "tar");
    shim(scene, &is_create(&format!("head -c 500000 /dev/urandom\n{}\n{}", gate.announce(), gate.wait())));
    gate
}

fn next_run_succeeds(scene: &mut Scene) {
    scene.set_path(&std::env::var("PATH").unwrap());
    scene.make();
    assert_eq!(scene.list(), ["1"]);
    scene.assert_restores("out");
}

#[test]
fn sigkill_leaves_no_version_no_tar_and_no_lock() {
    // One that writes would die of its broken pipe; one that hangs would not.
    for tar in [endless, hanging] {
        let mut scene = Scene::new();
        let gate = tar(&mut scene);
        let running = scene.start(&[":backup:make", "tree"]);
        let tar = gate.reached();
        running.signal(Signal::KILL);
        let run = running.finish();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&run.status), Some(9));
        assert!(is_gone(tar));
        assert_eq!(scene.list(), [""; 0]);
        let left = scene.store_files();
        assert!(left.iter().all(|name| !name.ends_with(".json") && !name.ends_with(".pgp")), "{left:?}");
        scene.json(&[":recover"]).assert_code(0);
        next_run_succeeds(&mut scene);
    }
}

#[test]
fn sigkill_leaves_no_version_on_a_server() {
    let server = Server::start();
    let mut scene = Scene::new().with_access(&server.access());
    let gate = endless(&mut scene);
    let running = scene.start(&[":backup:make", "tree"]);
    let tar = gate.reached();
    wait(server.upload_reached(COLLECTION, 100_000));
    running.signal(Signal::KILL);
    running.finish();
    assert!(is_gone(tar));
    wait(server.upload_over(COLLECTION));
    assert_eq!(server.numbers(), [0; 0]);
    scene.json(&[":recover", "tree"]).assert_code(0);
    next_run_succeeds(&mut scene);
}

#[test]
fn the_first_signal_cancels_and_cleans_up() {
    for signal in [Signal::INT, Signal::TERM] {
        for tar in [endless, hanging] {
            let mut scene = Scene::new();
            let gate = tar(&mut scene);
            let running = scene.start(&[":backup:make", "tree"]);
            let tar = gate.reached();
            running.signal(signal);
            let run = running.finish();
            run.assert_code(130);
            assert_eq!(run.report()["outcome"], "cancelled");
            assert!(is_gone(tar));
            assert_eq!(scene.store_files(), [""; 0]);
            next_run_succeeds(&mut scene);
        }
    }
}

#[test]
fn the_first_signal_aborts_the_upload_to_a_server() {
    for relay in ["true", "false"] {
        let server = Server::start();
        let access = server.access_by_password();
        let mut scene = Scene::new().with_access(&access).with_meta(&format!(", relay: {relay}"));
        let gate = endless(&mut scene);
        let running = scene.start(&[":backup:make", "tree"]);
        let tar = gate.reached();
        wait(server.upload_reached(COLLECTION, 100_000));
        running.signal(Signal::INT);
        running.finish().assert_code(130);
        assert!(is_gone(tar));
        wait(server.upload_over(COLLECTION));
        assert_eq!(server.numbers(), [0; 0]);
        assert_eq!(server.active_sessions(), []);
        next_run_succeeds(&mut scene);
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let mut scene = Scene::new();
    let mut gate = held_tar(&mut scene);
    // As nohup starts a program.
    let nohup = ["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_bahub")];
    let args = [":backup:make", "tree", "--output", "json"];
    let running = super::support::Running::start(scene.command_of("/bin/sh", &[&nohup[..], &args].concat()));
    gate.reached();
    running.signal(Signal::HUP);
    gate.open();
    running.finish().assert_code(0);
    assert_eq!(scene.list(), ["1"]);
}

#[test]
fn two_signals_at_once_are_one() {
    let mut scene = Scene::new();
    let gate = hanging(&mut scene);
    // As `timeout` does it: to the program, and to its group.
    let running = scene.start_text(&[":backup:make", "tree"]);
    gate.reached();
    running.signal(Signal::TERM);
    std::thread::sleep(std::time::Duration::from_millis(200));
    running.signal(Signal::TERM);
    let run = running.finish();
    run.assert_code(130);
    assert!(!run.stderr.contains("at once:"), "{}", run.stderr);
    next_run_succeeds(&mut scene);
}

#[test]
fn the_second_signal_is_abrupt() {
    let server = Server::start();
    // The server reads nothing and the run would wait for it for an hour.
    let access = format!("{}, stall_timeout: 3600", server.access());
    let mut scene = Scene::new().with_access(&access);
    server.misbehave(bahub_testkit::backup_repository::Fault::stall_upload_after(50_000));
    let gate = endless(&mut scene);
    let running = scene.start(&[":backup:make", "tree"]);
    let tar = gate.reached();
    rustix::process::kill_process(tar, Signal::STOP).unwrap();
    let begun = std::time::Instant::now();
    running.signal(Signal::INT);
    std::thread::sleep(AFTER);
    running.signal(Signal::TERM);
    running.finish().assert_code(130);
    assert!(is_gone(tar));
    assert!(begun.elapsed() < LIMIT / 3, "{:?}", begun.elapsed());
    server.behave();
    assert_eq!(server.numbers(), [0; 0]);
}

#[test]
fn a_timeout_ends_a_run_that_takes_too_long() {
    let mut scene = Scene::new().with_meta(", timeout: 10");
    let gate = hanging(&mut scene);
    let running = scene.start(&[":backup:make", "tree"]);
    let tar = gate.reached();
    let run = running.finish();
    run.assert_code(14).assert_error(&["timeout of 10 s", "raise `timeout`"]);
    assert!(is_gone(tar));
    assert_eq!(scene.store_files(), [""; 0]);
    next_run_succeeds(&mut scene);
}

#[test]
fn a_second_run_of_the_same_backup_is_refused_and_another_is_not() {
    let mut scene = Scene::new();
    let mut gate = held_tar(&mut scene);
    let mut first = scene.start(&[":backup:make", "tree"]);
    let mut id = None;
    first.until(|event| {
        id = event["run"].as_str().map(str::to_owned).or(id.take());
        event["phase"] == "capturing"
    });
    gate.reached();
    let holder = first.pid().as_raw_nonzero().to_string();
    for args in [&[":backup:make", "tree"][..], &[":backup:restore", "tree", "--to", "out"]] {
        scene.json(args).assert_code(5).assert_error(&["tree", &holder, id.as_ref().unwrap()]);
    }
    // The same store, another collection.
    let mut text = std::fs::read_to_string(scene.config()).unwrap();
    let other = text.split("backups:\n").nth(1).unwrap().replace("  tree:", "  other:");
    text.push_str(&other);
    std::fs::write(scene.config(), text).unwrap();
    let second = scene.start(&[":backup:make", "other"]);
    gate.reached();
    gate.open();
    gate.open();
    second.finish().assert_code(0);
    first.finish().assert_code(0);
    assert_eq!(scene.list(), ["1"]);
}

//! A run that is stopped in the middle.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use bahub_testkit::fixtures::noise;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Bench, COLLECTION, assert_exit, line_of, started, wait};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until a process is dead: a signal that kills takes its time, and the new parent may not reap it.
#[track_caller]
fn assert_dies(pid: &str) {
    let began = Instant::now();
    while let Ok(stat) = fs::read_to_string(Path::new("/proc").join(pid).join("stat"))
        && !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
    {
        assert!(began.elapsed() < Duration::from_secs(10), "{stat} lives on");
        std::thread::yield_now();
    }
}

/// The command, a program beside it, and the programs of a pipeline: each writes its number down.
const FOREVER: &str =
    "echo $$ > shell; sleep 600 & echo $! > beside; (sh -c 'echo $$ > inner; exec cat /dev/zero') | cat";
const PIDS: [&str; 3] = ["shell", "beside", "inner"];

#[test]
fn a_signal_in_mid_upload_leaves_no_version_and_no_child() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let bench = Bench::new();
        let running = started(bench.making(FOREVER));
        wait(bench.server.upload_reached(COLLECTION, 1 << 20));
        send(&running, signal);
        let output = running.wait_with_output().unwrap();
        assert_exit(&output, 130);
        for name in PIDS {
            assert_dies(&line_of(&bench.path(name)));
        }
        wait(bench.server.upload_over(COLLECTION));
        assert_eq!(bench.count(), 0);
    }
}

#[test]
fn a_signal_while_the_command_is_silent_ends_it_as_well() {
    let bench = Bench::new();
    let running = started(bench.making("echo $$ > shell; exec sleep 600"));
    let shell = line_of(&bench.path("shell"));
    send(&running, Signal::TERM);
    assert_exit(&running.wait_with_output().unwrap(), 130);
    assert_dies(&shell);
    assert_eq!(bench.count(), 0);
}

#[test]
fn a_signal_while_the_server_is_silent_ends_the_run_at_once() {
    let bench = Bench::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = bench.making("echo all");
    command.env("BM_URL", format!("http://{}", silent.local_addr().unwrap()));
    let running = started(command);
    let _connection = silent.accept().unwrap();
    let began = Instant::now();
    send(&running, Signal::TERM);
    assert_exit(&running.wait_with_output().unwrap(), 130);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_kill_in_mid_upload_leaves_no_version() {
    let bench = Bench::new();
    let running = started(bench.making(FOREVER));
    wait(bench.server.upload_reached(COLLECTION, 1 << 20));
    send(&running, Signal::KILL);
    running.wait_with_output().unwrap();
    wait(bench.server.upload_over(COLLECTION));
    assert_eq!(bench.count(), 0);
    let beside = line_of(&bench.path("beside"));
    // Nothing else ends what the command had put into the background.
    let beside = Pid::from_raw(beside.parse().unwrap()).unwrap();
    let _ = kill_process(beside, Signal::KILL);
}

#[test]
fn a_signal_in_mid_restore_kills_the_command_before_its_input_ends() {
    let bench = Bench::new();
    fs::write(bench.path("data"), noise(8_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    let running = started(bench.restoring("echo $$ > shell; sleep 600; cat > all; touch completed"));
    let shell = line_of(&bench.path("shell"));
    send(&running, Signal::TERM);
    assert_exit(&running.wait_with_output().unwrap(), 130);
    assert_dies(&shell);
    assert!(!bench.path("all").exists() && !bench.path("completed").exists());
}

//! A host that is logged in to: make, list, verify, wipe, restore, compare; direct and relayed.

use std::fs;
use std::time::{Duration, Instant};

use bahub_testkit::fixtures::{Sshd, noise};
use rustix::process::Signal;
use tempfile::TempDir;

use super::support::{LIMIT, Scene, Watch, comes_back, own_address, routes};

fn scene(sshd: &Sshd, data: &TempDir) -> Scene {
    let spec = sshd.spec().to_string();
    let spec = spec.trim_start_matches('{').trim_end_matches('}');
    let paths = format!("paths: [\"{}\"]", data.path().display());
    Scene::new().with_transport("bahub.transports.ssh", spec).with_adapter("bahub.adapters.filesystem", &paths)
}

fn look(data: &TempDir) -> String {
    let read = |name: &str| fs::read(data.path().join(name)).map(|content| bahub_testkit::fixtures::sha256(&content));
    format!("{:?} {:?}", read("noise").ok(), read("an odd 'name'\n").ok())
}

#[test]
fn files_of_a_host() {
    let (sshd, data) = (Sshd::start(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("noise"), noise(30_000_000)).unwrap();
    fs::write(data.path().join("an odd 'name'\n"), "x").unwrap();
    for (route, scene, server) in routes(&own_address(), || scene(&sshd, &data)) {
        let token = server.as_ref().map_or("a token that is nowhere: 0b7e4c1d", |server| server.token());
        let watch = Watch::start(&[token, "-----BEGIN PGP PRIVATE"], String::new);
        comes_back(route, &scene, || look(&data), || fs::remove_file(data.path().join("noise")).unwrap());
        watch.saw_no_secret();
        assert_no_login(&sshd);
    }
}

/// The server's processes end a moment after the connection.
#[track_caller]
fn assert_no_login(sshd: &Sshd) {
    let began = Instant::now();
    while !sshd.connections().is_empty() {
        assert!(began.elapsed() < LIMIT, "{:?}", sshd.connections());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_connection_that_breaks_is_a_failure_within_thirty_seconds() {
    let (sshd, data) = (Sshd::start(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("noise"), noise(300_000_000)).unwrap();
    let scene = scene(&sshd, &data);
    for signal in ["KILL", "STOP"] {
        let mut run = scene.start(&[":backup:make", "tree"]);
        run.until_phase("capturing");
        sshd.signal_connections(signal);
        let began = Instant::now();
        let run = run.finish();
        // Within thirty seconds it is noticed, and ending what runs there is tried once more.
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert!(![Some(0), Some(4)].contains(&run.status.code()), "{signal}: {run:?}");
        assert_eq!(scene.list(), Vec::<String>::new());
    }
}

#[test]
fn a_controller_that_is_killed_leaves_nothing_there_and_no_master_here() {
    let (sshd, data) = (Sshd::start(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("noise"), noise(300_000_000)).unwrap();
    let scene = scene(&sshd, &data);
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    run.signal(Signal::KILL);
    run.finish();
    let masters = || {
        fs::read_dir(scene.at("."))
            .unwrap()
            .flatten()
            .filter(|one| one.file_name().to_string_lossy().starts_with("bahub-ssh-"))
            .count()
    };
    assert_eq!(masters(), 1, "this test kills too early or too late");
    scene.make();
    assert_eq!(masters(), 0);
    assert_no_login(&sshd);
}

#[test]
fn hooks_run_on_the_host_that_has_the_data() {
    let (sshd, data) = (Sshd::start(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("file"), "content").unwrap();
    let hook = |when: &str, around: &str, location: &str| {
        format!("{{ when: {when}, around: {around}, where: {location}, command: [sh, -c, 'echo ${{SSH_CONNECTION:+far}}.'] }}").replace("${", "$${")
    };
    let hooks = [("before", "run"), ("before", "capture"), ("finally", "capture"), ("after_success", "run")];
    let hooks: Vec<_> =
        hooks.iter().flat_map(|(when, around)| ["data", "controller"].map(|at| hook(when, around, at))).collect();
    let scene = scene(&sshd, &data).with_meta(&format!(", hooks: [{}]", hooks.join(", ")));
    eprintln!("{:?}", scene.run(&["--debug", ":backup:make", "tree"]).stderr);
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(0);
    let ran = run.report()["hooks"].as_array().unwrap().clone();
    assert_eq!(ran.len(), 8, "{run:?}");
    for hook in ran {
        let expected = if hook["location"] == "data" { "far." } else { "." };
        assert_eq!(hook["output"], serde_json::json!([expected]), "{hook}");
    }
    assert_no_login(&sshd);
}

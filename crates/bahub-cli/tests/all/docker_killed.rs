//! A run beside a container that is killed at each moment that there is: afterwards everything is as before it.

use bahub_testkit::fixtures::DockerEngine;
use rustix::process::Signal;

use super::support::Scene;
use super::support::grid::{self, Mend};

/// Every moment of the transport's source.
const MOMENTS: [&str; 13] = [
    "side.found",
    "side.created",
    "side.placed",
    "side.started",
    "side.stopping",
    "side.stopped-one",
    "side.stopped",
    "side.returning",
    "side.brought-back-one",
    "side.brought-back",
    "side.returned",
    "side.closing",
    "side.removed",
];

struct App {
    engine: DockerEngine,
    scene: Scene,
}

impl App {
    fn new() -> Self {
        let engine = DockerEngine::start();
        engine.container("original", &["--volume", "data:/data"]);
        engine.container("other", &["--volume", "data:/data"]);
        engine.docker(&["pause", "other"]);
        engine.docker(&["exec", "original", "sh", "-c", "head -c 3000000 /dev/urandom >/data/noise"]);
        let spec = format!(
            "orig_container: original, temp_container_image: busybox, stop_timeout: 1, also_stop: [other], docker_host: \"{}\"",
            engine.host()
        );
        let scene = Scene::new()
            .with_transport("sidedocker", &spec)
            .with_adapter("bahub.adapters.filesystem", "paths: [/data]");
        Self { engine, scene }
    }

    /// Everything that a run could leave or change.
    fn state(&self) -> String {
        let containers = self.engine.docker(&["ps", "--all", "--format", "{{.ID}} {{.Names}} {{.State}}"]);
        containers + &self.engine.docker(&["volume", "ls", "--quiet"])
    }

    /// Runs it with a death at this moment.
    fn killed_at(&self, moment: &str) {
        let mut command = self.scene.command(&[":backup:make", "tree"]);
        command.env("BAHUB_FAULT_POINT", moment);
        let status = command.output().unwrap().status;
        // `env` is replaced by the program, so this is its own death.
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(Signal::KILL.as_raw()), "{moment}: {status}");
    }
}

/// Kills a run at each moment; what it leaves is mended in the way that is given with it.
fn mended_after(app: &App, grid: impl Iterator<Item = (&'static str, Mend)>) {
    let before = app.state();
    let mut versions = 0;
    for (moment, mend) in grid {
        app.killed_at(moment);
        match mend {
            Mend::Recover => {
                app.scene.json(&[":recover", "tree"]).assert_code(0);
            }
            Mend::NextRun => {
                app.scene.make();
                versions += 1;
            }
        }
        assert_eq!(app.state(), before, "{moment}");
        // Each version that there is is whole: that of a run that was killed after its commit too.
        let listed = app.scene.list();
        assert!(listed.len() >= versions, "{moment}: {listed:?}");
        versions = listed.len();
    }
    app.scene.json(&[":backup:verify", "tree"]).assert_code(0);
}

#[test]
#[ignore = "each moment with each way of mending: scripts/test --grid"]
fn full_grid_everything_is_as_before_after_recover_and_after_the_next_run() {
    mended_after(&App::new(), grid::full(&MOMENTS));
}

#[test]
fn everything_is_as_before_after_recover_and_after_the_next_run() {
    let app = App::new();
    mended_after(&app, grid::in_turn(&MOMENTS, 0..));
    // An original that was removed meanwhile is no obstacle.
    app.killed_at("side.stopped");
    app.engine.docker(&["rm", "--force", "original"]);
    let recovered = app.scene.json(&[":recover", "tree"]);
    recovered.assert_code(0);
    assert!(recovered.stdout.contains("removed by someone else"), "{recovered:?}");
}

/// Where a run can panic beside its moments.
const PHASES: [&str; 5] = ["phase.quiescing", "phase.capturing", "phase.resuming", "phase.committing", "phase.closing"];

#[test]
#[ignore = "each moment: scripts/test --grid"]
fn full_grid_a_panic_at_any_moment_leaves_nothing_down() {
    nothing_is_down_after_panics_at(MOMENTS.iter().chain(&PHASES));
}

/// While nothing is stopped yet or any more a panic is met by `panics` and the full grid.
#[test]
fn a_panic_at_any_phase_and_in_what_closes_leaves_nothing_down() {
    nothing_is_down_after_panics_at(PHASES.iter().chain(&[
        "side.stopping",
        "side.stopped-one",
        "side.stopped",
        "side.returning",
        "side.brought-back-one",
        "side.closing",
        "side.removed",
    ]));
}

fn nothing_is_down_after_panics_at<'a>(moments: impl Iterator<Item = &'a &'static str>) {
    let app = App::new();
    let before = app.state();
    for moment in moments {
        let mut command = app.scene.command(&[":backup:make", "tree"]);
        command.env("BAHUB_FAULT_POINT", format!("panic:{moment}"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("injected at {moment}")), "{said}");
        // What closes the target is cut off: that is reported as what it may be, and mended as it says.
        let is_in_close = ["side.closing", "side.removed"].contains(moment);
        assert_eq!(output.status.code(), Some(if is_in_close { 100 } else { 101 }), "{moment}: {said}");
        let running = app.engine.docker(&["inspect", "--format", "{{.State.Running}}", "original"]);
        assert_eq!(running.trim(), "true", "{moment}");
        if is_in_close {
            app.scene.json(&[":recover", "tree"]).assert_code(0);
        }
        assert_eq!(app.state(), before, "{moment}: {said}");
    }
}

#[test]
fn what_cannot_be_brought_back_is_reported_and_stops_no_backup_of_another() {
    let app = App::new();
    let folder = app.engine.folder().join("gone");
    std::fs::create_dir(&folder).unwrap();
    let mount = format!("type=bind,source={},target=/extra", folder.display());
    app.engine.docker(&["rm", "--force", "original"]);
    app.engine.container("original", &["--volume", "data:/data", "--mount", &mount]);
    app.engine.container("third", &["--volume", "third:/data"]);
    let before = app.state();
    app.killed_at("side.stopped");
    // What it mounts is not there: it does not start.
    std::fs::remove_dir(&folder).unwrap();
    let spec = format!("container: third, docker_host: \"{}\"", app.engine.host());
    let third = Scene::new()
        .with_transport("bahub.transports.docker", &spec)
        .with_adapter("bahub.adapters.filesystem", "paths: [/data]");
    let run = third.json(&[":backup:make", "tree"]);
    run.assert_code(100);
    assert!(run.stdout.contains("the container original could not be restarted"), "{run:?}");
    assert_eq!(third.list().len(), 1);
    // Its own next run does not take it for one that was stopped on purpose.
    let own = app.scene.json(&[":backup:make", "tree"]);
    own.assert_code(100).assert_error(&["the container original was stopped by a killed run"]);
    app.scene.json(&[":recover", "tree"]).assert_code(100);
    std::fs::create_dir(&folder).unwrap();
    app.scene.json(&[":recover", "tree"]).assert_code(0);
    assert_eq!(app.state(), before);
}

#[test]
fn a_stop_that_goes_on_in_the_engine_is_waited_for() {
    let engine = DockerEngine::start();
    let stubborn = "trap '' TERM; while :; do sleep 1; done";
    engine.docker(&[
        "run",
        "--detach",
        "--init",
        "--name",
        "stubborn",
        "--volume",
        "data:/data",
        "busybox",
        "sh",
        "-c",
        stubborn,
    ]);
    let spec = format!(
        "orig_container: stubborn, temp_container_image: busybox, stop_timeout: 6, docker_host: \"{}\"",
        engine.host()
    );
    let scene =
        Scene::new().with_transport("sidedocker", &spec).with_adapter("bahub.adapters.filesystem", "paths: [/data]");
    let app = App { engine, scene };
    let before = app.state();
    for interrupts in [&[Signal::KILL][..], &[Signal::INT, Signal::INT]] {
        let mut run = app.scene.start(&[":backup:make", "tree"]);
        run.until_phase("quiescing");
        std::thread::sleep(std::time::Duration::from_millis(1500));
        for &signal in interrupts {
            run.signal(signal);
            // Sooner the second would be one with the first.
            std::thread::sleep(std::time::Duration::from_millis(1100));
        }
        assert_ne!(run.finish().status.code(), Some(0));
        app.scene.json(&[":recover", "tree"]).assert_code(0);
        assert_eq!(app.state(), before, "{interrupts:?}");
        // Longer than the stop could have gone on.
        std::thread::sleep(std::time::Duration::from_secs(8));
        assert_eq!(app.state(), before, "{interrupts:?}");
    }
}

//! What breaks in the middle of a run in a container: nothing is stored, and nothing is left.

use std::time::{Duration, Instant};

use bahub_testkit::fixtures::DockerEngine;
use rustix::process::Signal;

use super::support::Scene;

struct App {
    engine: DockerEngine,
    scene: Scene,
}

impl App {
    fn new() -> Self {
        let engine = DockerEngine::start();
        let app = engine.container("app", &["--volume", "data:/data"]);
        // A pipe without a writer: its reader waits.
        engine.docker(&["exec", &app, "sh", "-c", "head -c 5000000 /dev/urandom >/data/noise; mkfifo /data/pipe"]);
        let spec = format!("container: app, docker_host: \"{}\"", engine.host());
        let scene = Scene::new()
            .with_transport("bahub.transports.docker", &spec)
            .with_adapter("bahub.adapters.filesystem", "paths: [/data]");
        let app = Self { engine, scene };
        // A tar that goes on until it is killed.
        app.engine.docker(&["exec", "app", "sh", "-c", "mv /bin/tar /bin/real-tar; printf '#!/bin/sh\\ncase \"$*\" in *version*|*help*) exec busybox tar \"$@\" ;; esac; cat /dev/zero & sleep 1000 & wait\\n' >/bin/tar; chmod 755 /bin/tar"]);
        app
    }

    fn processes(&self) -> Vec<String> {
        let top = self.engine.docker(&["top", "app", "-o", "pid,args"]);
        let args = top.lines().skip(1).filter_map(|line| line.trim_start().split_once(' '));
        args.map(|(_pid, args)| args.to_owned()).collect()
    }

    #[track_caller]
    fn nothing_is_stored(&self) {
        assert_eq!(self.scene.list(), Vec::<String>::new());
    }
}

#[test]
fn a_container_that_dies_is_a_failure() {
    let app = App::new();
    let mut run = app.scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    app.engine.docker(&["kill", "app"]);
    let run = run.finish();
    assert!(![Some(0), Some(4)].contains(&run.status.code()), "{run:?}");
    assert!(run.error().contains("agent"), "{run:?}");
    app.nothing_is_stored();
}

#[test]
fn an_engine_that_restarts_is_a_failure() {
    let mut app = App::new();
    let mut run = app.scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    app.engine.restart();
    let run = run.finish();
    assert!(![Some(0), Some(4)].contains(&run.status.code()), "{run:?}");
    app.nothing_is_stored();
}

#[test]
fn thirty_seconds_after_the_controller_nothing_of_it_lives() {
    let app = App::new();
    let before = (app.processes(), app.engine.docker(&["diff", "app"]));
    for signal in [Signal::KILL, Signal::STOP, Signal::INT] {
        let mut run = app.scene.start(&[":backup:make", "tree"]);
        run.until_phase("capturing");
        assert!(app.processes().len() > before.0.len());
        run.signal(signal);
        let began = Instant::now();
        while app.processes() != before.0 {
            assert!(began.elapsed() < Duration::from_secs(45), "{signal:?}: {:?}", app.processes());
            std::thread::sleep(Duration::from_millis(200));
        }
        if signal == Signal::STOP {
            run.signal(Signal::CONT);
        }
        let run = run.finish();
        assert_ne!(run.status.code(), Some(0), "{run:?}");
        let mut diff = [app.engine.docker(&["diff", "app"]), before.1.clone()].map(|diff| {
            let mut lines: Vec<_> = diff.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        });
        assert_eq!(std::mem::take(&mut diff[0]), diff[1], "{signal:?}");
        app.nothing_is_stored();
    }
}

#[test]
fn an_engine_that_restarts_beside_a_container_that_is_down_is_waited_for_and_the_container_is_back() {
    let mut app = App::new();
    app.engine.docker(&["rm", "--force", "app"]);
    app.engine.container("app", &["--volume", "data:/data"]);
    app.engine.docker(&["exec", "app", "sh", "-c", "head -c 300000000 /dev/urandom >/data/much"]);
    let spec = format!(
        "orig_container: app, temp_container_image: busybox, stop_timeout: 1, docker_host: \"{}\"",
        app.engine.host()
    );
    app.scene = Scene::new()
        .with_transport("sidedocker", &spec)
        .with_adapter("bahub.adapters.filesystem", "paths: [/data/much, /data/noise]");
    let containers = |app: &App| app.engine.docker(&["ps", "--all", "--format", "{{.ID}} {{.State}}"]);
    let before = containers(&app);
    let mut run = app.scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    app.engine.restart();
    let run = run.finish();
    assert!(![Some(0), Some(4), Some(100)].contains(&run.status.code()), "{run:?}");
    assert_eq!(containers(&app), before);
    app.nothing_is_stored();
}

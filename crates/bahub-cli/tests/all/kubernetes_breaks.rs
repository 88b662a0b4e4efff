//! What breaks in the middle of a run in a pod: nothing is stored, and nothing is left.

use std::time::{Duration, Instant};

use bahub_testkit::fixtures::{Kubernetes, Namespace, container, pod};
use rustix::process::Signal;

use super::support::Scene;

/// A tar that goes on until it is killed.
const ENDLESS: &str = "rm /bin/tar; printf '#!/bin/sh\\ncase \"$*\" in *version*|*help*) exec busybox tar \"$@\" ;; esac; cat /dev/zero & sleep 1000 & wait\\n' >/bin/tar; chmod 755 /bin/tar; mkdir /data";

struct App {
    namespace: Namespace,
}

impl App {
    fn new(cluster: &Kubernetes) -> Self {
        let namespace = cluster.namespace("breaks");
        namespace.pod("app");
        namespace.sh("app", "main", ENDLESS);
        Self { namespace }
    }

    fn scene(&self, kubeconfig: &std::path::Path) -> Scene {
        let spec = format!(
            "namespace: {}, selector: app=app, timeout: 60, kubeconfig: \"{}\"",
            self.namespace.name(),
            kubeconfig.display()
        );
        Scene::new()
            .with_transport("bahub.transports.kubernetes_podexec", &spec)
            .with_adapter("bahub.adapters.filesystem", "paths: [/data]")
    }

    /// What runs and lies in the pod, besides this look.
    fn state(&self) -> String {
        // By what they are given: busybox lists a program that has just been started under another name as well.
        self.namespace.sh("app", "main", "ps -o args | grep -v -e 'ps -o args' -e 'grep -v' -e sort | sort; ls -A /tmp")
    }

    /// The same, where two looks in a row agree: a program that has just been forked has another name.
    fn settled(&self) -> String {
        loop {
            let state = self.state();
            std::thread::sleep(Duration::from_millis(500));
            if self.state() == state {
                return state;
            }
        }
    }

    #[track_caller]
    fn gets_as_before(&self, before: &str, what: &str) {
        let began = Instant::now();
        while self.state() != before {
            assert!(began.elapsed() < Duration::from_secs(45), "{what}: {}\nbefore: {before}", self.state());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[track_caller]
fn failed(run: &super::support::Run, scene: &Scene) {
    assert!(![Some(0), Some(4)].contains(&run.status.code()), "{run:?}");
    assert_eq!(scene.list(), Vec::<String>::new());
}

#[test]
fn a_pod_that_is_removed_is_a_failure() {
    for cluster in Kubernetes::all() {
        let app = App::new(&cluster);
        let scene = app.scene(&cluster.kubeconfig());
        let mut run = scene.start(&[":backup:make", "tree"]);
        run.until_phase("capturing");
        app.namespace.kubectl(&["delete", "pod", "app", "--wait=false"]);
        failed(&run.finish(), &scene);
    }
}

#[test]
fn a_container_that_ends_is_a_failure_and_no_failed_undo() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("ends");
    let main = ", command: [sh, -c, \"while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 1\"]";
    namespace.apply(&pod("app", "", &container("main", "busybox", main)));
    namespace.ready("app=app");
    namespace.sh("app", "main", ENDLESS);
    let app = App { namespace };
    let scene = app.scene(&cluster.kubeconfig());
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    app.namespace.sh("app", "main", "touch /tmp/end");
    let run = run.finish();
    failed(&run, &scene);
    assert_ne!(run.status.code(), Some(100), "{run:?}");
}

#[test]
fn a_cluster_that_goes_away_is_a_failure_and_leaves_nothing() {
    for cluster in Kubernetes::all() {
        let app = App::new(&cluster);
        let before = app.settled();
        let (gate, through) = cluster.gate();
        let scene = app.scene(through.path());
        let mut run = scene.start(&[":backup:make", "tree"]);
        run.until_phase("capturing");
        gate.shut();
        std::thread::sleep(Duration::from_secs(1));
        gate.open();
        failed(&run.finish(), &scene);
        app.gets_as_before(&before, "the cluster came back");
    }
}

#[test]
fn thirty_seconds_after_the_controller_nothing_of_it_lives() {
    for cluster in Kubernetes::all() {
        let app = App::new(&cluster);
        let before = app.settled();
        let scene = app.scene(&cluster.kubeconfig());
        for signal in [Signal::KILL, Signal::STOP, Signal::INT] {
            let mut run = scene.start(&[":backup:make", "tree"]);
            run.until_phase("capturing");
            assert_ne!(app.state(), before);
            run.signal(signal);
            app.gets_as_before(&before, &format!("{signal:?}"));
            if signal == Signal::STOP {
                run.signal(Signal::CONT);
            }
            failed(&run.finish(), &scene);
        }
    }
}

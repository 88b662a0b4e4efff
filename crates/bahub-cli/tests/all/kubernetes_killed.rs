//! A run beside a workload that is killed at each moment that there is: afterwards everything is as before it.

use bahub_testkit::fixtures::{Kubernetes, Namespace};
use rustix::process::Signal;

use super::kubernetes_side::{scene, state};
use super::support::Scene;
use super::support::grid::{self, Mend};

/// Every moment of the transport's source.
const MOMENTS: [&str; 15] = [
    "pod.found",
    "pod.leased",
    "pod.created",
    "pod.running",
    "pod.placed",
    "pod.started",
    "pod.scaling",
    "pod.scaled",
    "pod.quiesced",
    "pod.resuming",
    "pod.scaled-back",
    "pod.resumed",
    "pod.closing",
    "pod.removed",
    "pod.released",
];

struct App {
    namespace: Namespace,
    scene: Scene,
}

impl App {
    fn new(cluster: &Kubernetes, kind: &str) -> Self {
        let namespace = cluster.namespace("killed");
        namespace.workload(kind, "web", 1);
        let scene = scene(&namespace, "web", &cluster.kubeconfig(), "/data");
        Self { namespace, scene }
    }

    /// Runs it with a death at this moment.
    #[track_caller]
    fn killed_at(&self, moment: &str, arguments: &[&str]) {
        let mut command = self.scene.command(arguments);
        command.env("BAHUB_FAULT_POINT", moment);
        let output = command.output().unwrap();
        // `env` is replaced by the program, so this is its own death.
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(signal, Some(Signal::KILL.as_raw()), "{moment}: {}: {said}", output.status);
    }
}

/// Kills a run at each moment; what it leaves is mended in the way that is given with it.
fn mended_after(cluster: &Kubernetes, kind: &str, grid: impl Iterator<Item = (&'static str, Mend)>) {
    let app = App::new(cluster, kind);
    let workload = format!("{kind}/web");
    let before = state(&app.namespace, &workload);
    let mut versions = 0;
    for (moment, mend) in grid {
        app.killed_at(moment, &[":backup:make", "tree"]);
        match mend {
            Mend::Recover => {
                app.scene.json(&[":recover", "tree"]).assert_code(0);
            }
            Mend::NextRun => {
                app.scene.make();
                versions += 1;
            }
        }
        assert_eq!(state(&app.namespace, &workload), before, "{moment}");
        // What a run is begun with: it waits for the pods that come back.
        app.namespace.ready("app=web");
        // Each version that there is is whole: that of a run that was killed after its commit too.
        let listed = app.scene.list();
        assert!(listed.len() >= versions, "{moment}: {listed:?}");
        versions = listed.len();
    }
    if versions > 0 {
        app.scene.json(&[":backup:verify", "tree"]).assert_code(0);
    }
    app.namespace.wait("the end of side pods", || app.namespace.of_runs().is_empty());
}

#[test]
fn a_deployment_is_as_before_after_recover_and_after_the_next_run() {
    let Some(cluster) = Kubernetes::all().into_iter().next() else { return };
    mended_after(&cluster, "Deployment", grid::in_turn(&MOMENTS, (0..).step_by(2)));
}

#[test]
fn a_stateful_set_is_as_before_after_recover_and_after_the_next_run() {
    let Some(cluster) = Kubernetes::all().pop() else { return };
    mended_after(&cluster, "StatefulSet", grid::in_turn(&MOMENTS, (1..).step_by(2)));
}

#[test]
#[ignore = "each moment with each way of mending, of each kind: scripts/test --grid"]
fn full_grid_a_workload_is_as_before_after_recover_and_after_the_next_run() {
    let clusters = Kubernetes::all();
    assert!(!clusters.is_empty(), "there is no cluster");
    for (number, kind) in ["Deployment", "StatefulSet"].into_iter().enumerate() {
        mended_after(&clusters[number % clusters.len()], kind, grid::full(&MOMENTS));
    }
}

#[test]
fn what_is_killed_after_the_last_byte_was_read_leaves_the_workload_up_and_to_its_owner() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::new(&cluster, "Deployment");
    let scale = || app.namespace.scale_of("deployment/web").trim().to_owned();
    for replicas in ["2/2", "0/"] {
        app.namespace.kubectl(&["scale", "deployment/web", "--replicas=1"]);
        app.namespace.ready("app=web");
        app.killed_at("pod.resumed", &[":backup:make", "tree"]);
        app.namespace.wait("its pod", || scale() == "1/1");
        app.namespace.kubectl(&["scale", "deployment/web", &format!("--replicas={}", &replicas[..1])]);
        let recovered = app.scene.json(&[":recover", "tree"]);
        recovered.assert_code(0);
        assert!(recovered.stdout.contains("side pod") && !recovered.stdout.contains("scaled back"), "{recovered:?}");
        app.namespace.wait("its scale", || scale() == replicas);
    }
    assert_eq!(app.namespace.kubectl(&["get", "jobs,leases", "-o", "name"]), "");
}

#[test]
fn a_restore_that_is_killed_leaves_the_workload_as_it_was() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::new(&cluster, "StatefulSet");
    let before = state(&app.namespace, "statefulset/web");
    app.scene.make();
    for moment in ["pod.created", "pod.scaled", "pod.quiesced", "pod.removed", "pod.scaled-back"] {
        app.namespace.ready("app=web");
        app.killed_at(moment, &[":backup:restore", "tree", "--yes"]);
        app.scene.json(&[":recover", "tree"]).assert_code(0);
        assert_eq!(state(&app.namespace, "statefulset/web"), before, "{moment}");
    }
    for phase in ["quiescing", "replaying"] {
        app.namespace.ready("app=web");
        let mut run = app.scene.start(&[":backup:restore", "tree", "--yes"]);
        run.until_phase(phase);
        run.signal(Signal::INT);
        let run = run.finish();
        // One that is quick is done before.
        assert!([Some(130), Some(0)].contains(&run.status.code()), "{run:?}");
        assert_eq!(state(&app.namespace, "statefulset/web"), before, "{phase}");
    }
    app.namespace.ready("app=web");
    app.scene.json(&[":backup:restore", "tree", "--yes"]).assert_code(0);
    assert_eq!(state(&app.namespace, "statefulset/web"), before);
}

#[test]
fn a_recovery_that_is_killed_is_mended_and_what_was_removed_by_hand_is_no_obstacle() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::new(&cluster, "Deployment");
    let before = state(&app.namespace, "deployment/web");
    app.killed_at("pod.quiesced", &[":backup:make", "tree"]);
    app.killed_at("pod.recovered-one", &[":recover", "tree"]);
    let recovered = app.scene.json(&[":recover", "tree"]);
    recovered.assert_code(0);
    assert!(recovered.stdout.contains("side pod"), "{recovered:?}");
    assert_eq!(state(&app.namespace, "deployment/web"), before);
    app.namespace.ready("app=web");
    // The record of a dead run is removed by hand: the number is known all the same, and it is not forgotten.
    app.killed_at("pod.scaled", &[":backup:make", "tree"]);
    app.namespace.kubectl(&["annotate", "deployment/web", "bahub.scaled-down-"]);
    let unsettled = app.scene.json(&[":recover", "tree"]);
    unsettled.assert_code(100).assert_error(&["previous replicas (1)", "--replicas=1", "delete lease web-"]);
    app.namespace.kubectl(&["scale", "deployment/web", "--replicas=1"]);
    app.scene.json(&[":recover", "tree"]).assert_code(0);
    assert_eq!(state(&app.namespace, "deployment/web"), before);
    app.namespace.ready("app=web");
    app.killed_at("pod.scaled", &[":backup:make", "tree"]);
    app.namespace.kubectl(&["delete", "deployment", "web"]);
    let recovered = app.scene.json(&[":recover", "tree"]);
    recovered.assert_code(0);
    assert!(recovered.stdout.contains("removed by someone else"), "{recovered:?}");
    assert_eq!(app.namespace.kubectl(&["get", "jobs,leases", "-o", "name"]), "");
}

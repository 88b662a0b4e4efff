//! Claims of workloads that are scaled down meanwhile: make, verify, wipe, restore, compare; and what ends a run half-way.

use std::sync::{PoisonError, RwLock};

use bahub_testkit::fixtures::{ApiServer, Kubernetes, Namespace};
use rustix::process::Signal;

use super::kubernetes::audited;
use super::support::{Run, Scene, Watch, comes_back, own_address, routes};

/// A scene of a side pod beside the pods of this name, which are scaled down.
pub(crate) fn scene(namespace: &Namespace, app: &str, kubeconfig: &std::path::Path, paths: &str) -> Scene {
    let spec = format!(
        "namespace: {}, selector: app={app}, image: \"{}\", scaleDown: true, timeout: 300, wait_ready: 300, resources: {{requests: {{cpu: 50m}}}}, kubeconfig: \"{}\"",
        namespace.name(),
        Kubernetes::image("busybox"),
        kubeconfig.display()
    );
    Scene::new()
        .with_transport("bahub.transports.kubernetes_sidepod", &spec)
        .with_adapter("bahub.adapters.filesystem", &format!("paths: [{paths}]"))
}

/// Everything that a run could leave or change.
pub(crate) fn state(namespace: &Namespace, workload: &str) -> String {
    let scale = namespace.kubectl(&[
        "get",
        workload,
        "-o",
        "jsonpath={.spec.replicas} {.metadata.annotations.bahub\\.scaled-down}",
    ]);
    format!("{scale} {}", namespace.kubectl(&["get", "jobs,leases", "-o", "name"]))
}

/// Runs a script in a pod of the workload, when there is one again.
fn sh(namespace: &Namespace, app: &str, script: &str) -> String {
    let labels = format!("app={app}");
    namespace.ready(&labels);
    let pod = namespace.kubectl(&["get", "pods", "-l", &labels, "-o", "jsonpath={.items[0].metadata.name}"]);
    namespace.sh(&pod, "main", script)
}

/// What is shown to all users who may read the namespace.
fn shown_to_others(namespace: &str, cluster: &Kubernetes) -> String {
    let kinds = "pods,events,configmaps,jobs,leases,deployments,statefulsets";
    String::from_utf8_lossy(&cluster.try_kubectl(&["get", kinds, "-o", "yaml", "-n", namespace]).stdout).into_owned()
}

const TREE: &str = "mkdir -p '/data/a b'; head -c 300000 /dev/urandom >'/data/a b/noise'; ln -sf nowhere /data/link; echo '$(id)' >/data/text";
const LOOK: &str = "cd /data && find . | sort && cat 'a b/noise' text | sha256sum && readlink link";

#[test]
fn claims_of_a_deployment_and_of_a_stateful_set() {
    let clusters = Kubernetes::all();
    std::thread::scope(|all| {
        for cluster in &clusters {
            // Each by each route somewhere.
            let mut routes = ["direct", "relayed"];
            routes.rotate_left(usize::from(!cluster.closes_stdin()));
            all.spawn(move || {
                for ((kind, replicas), route) in [("Deployment", 2), ("StatefulSet", 1)].into_iter().zip(routes) {
                    claims_of(cluster, kind, replicas, route);
                }
            });
        }
    });
}

fn claims_of(cluster: &Kubernetes, kind: &str, replicas: u32, wanted: &str) {
    let (namespace, name) = (cluster.namespace("side"), kind.to_lowercase());
    namespace.workload(kind, &name, replicas);
    let before = state(&namespace, &format!("{kind}/{name}"));
    sh(&namespace, &name, TREE);
    let scenes = routes(&own_address(), || scene(&namespace, &name, &cluster.kubeconfig(), "/data"));
    let (route, scene, server) = scenes.into_iter().find(|(route, ..)| *route == wanted).unwrap();
    let token = server.as_ref().map_or("a token that is nowhere: 0b7e4c1d", |server| server.token()).to_owned();
    let (theirs, watched) = (cluster.clone(), namespace.name().to_owned());
    let watch = Watch::start(&[&token, "-----BEGIN PGP PRIVATE"], move || shown_to_others(&watched, &theirs));
    let look = || sh(&namespace, &name, LOOK);
    comes_back(route, &scene, look, || drop(sh(&namespace, &name, "rm -rf /data/*")));
    watch.heard_no_secret();
    assert_eq!(state(&namespace, &format!("{kind}/{name}")), before);
    namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
}

/// A Deployment, in the other cluster a StatefulSet, whose data takes longer to read than any test lasts.
struct App {
    namespace: Namespace,
    workload: String,
    before: String,
}

impl App {
    fn new(cluster: &Kubernetes) -> Self {
        Self::with(cluster, "truncate -s 900G /data/zeros")
    }

    fn with(cluster: &Kubernetes, data: &str) -> Self {
        let namespace = cluster.namespace("side-breaks");
        let kind = if cluster.closes_stdin() { "Deployment" } else { "StatefulSet" };
        namespace.workload(kind, "web", 1);
        sh(&namespace, "web", data);
        let workload = format!("{}/web", kind.to_lowercase());
        let before = state(&namespace, &workload);
        Self { namespace, workload, before }
    }

    fn state(&self) -> String {
        state(&self.namespace, &self.workload)
    }

    fn scene(&self, paths: &str) -> Scene {
        scene(&self.namespace, "web", &self.namespace.cluster().kubeconfig(), paths)
    }

    fn side_pod(&self) -> String {
        self.namespace.kubectl(&[
            "get",
            "pods",
            "-l",
            "bahub.run",
            "--field-selector=status.phase=Running",
            "-o",
            "name",
        ])
    }

    #[track_caller]
    fn is_as_before(&self, scene: &Scene, run: &Run) {
        assert!(![Some(0), Some(4)].contains(&run.status.code()), "{run:?}");
        assert_eq!(self.state(), self.before, "{run:?}");
        assert_eq!(scene.list(), Vec::<String>::new());
    }
}

#[test]
fn a_run_that_fails_or_is_ended_scales_back() {
    Kubernetes::any().iter().for_each(scales_back_in);
}

fn scales_back_in(cluster: &Kubernetes) {
    let app = App::new(cluster);
    let scene = app.scene("/data/nothing");
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(9);
    app.is_as_before(&scene, &run);
    let scene = app.scene("/etc");
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(8).assert_error(&["/etc is not on a volume of the pod", "/data (claim web)", "kubernetes_podexec"]);
    app.is_as_before(&scene, &run);
    let scene = app.scene("/data");
    for phase in ["opening", "quiescing", "capturing"] {
        let mut run = scene.start(&[":backup:make", "tree"]);
        run.until_phase(phase);
        run.signal(Signal::INT);
        let run = run.finish();
        run.assert_code(130);
        app.is_as_before(&scene, &run);
    }
    // When there is something of it in the cluster, and perhaps more on its way.
    for made in ["leases", "jobs", "pods"] {
        let run = scene.start(&[":backup:make", "tree"]);
        app.namespace.wait(made, || !app.namespace.kubectl(&["get", made, "-l", "bahub.run", "-o", "name"]).is_empty());
        run.signal(Signal::INT);
        let run = run.finish();
        run.assert_code(130);
        app.is_as_before(&scene, &run);
        app.namespace.wait("its end", || app.namespace.of_runs().is_empty());
    }
}

#[test]
fn what_is_scaled_up_under_a_run_makes_no_version() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::with(&cluster, "head -c 200000000 /dev/urandom >/data/noise");
    let scene = app.scene("/data");
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    // It must not be done before the workload is scaled.
    run.signal(Signal::STOP);
    app.namespace.kubectl(&["scale", &app.workload, "--replicas=2"]);
    run.signal(Signal::CONT);
    let run = run.finish();
    run.assert_code(7).assert_error(&["does not stay at 0", "it was scaled to 2 during the run"]);
    assert!(app.state().starts_with("2 "), "{}", app.state());
    assert_eq!(scene.list(), Vec::<String>::new());
}

#[test]
fn what_ran_under_a_run_makes_no_version_though_it_is_gone_again() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::with(&cluster, "head -c 200000000 /dev/urandom >/data/noise");
    let scene = app.scene("/data");
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    // It must not be done before the workload is scaled.
    run.signal(Signal::STOP);
    app.namespace.kubectl(&["scale", &app.workload, "--replicas=1"]);
    app.namespace.ready("app=web");
    app.namespace.kubectl(&["scale", &app.workload, "--replicas=0"]);
    let pods = || app.namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]);
    app.namespace.wait("the end of its pods", || pods().is_empty());
    run.signal(Signal::CONT);
    let run = run.finish();
    run.assert_code(7).assert_error(&["the data may have been in use", "was running"]);
    app.is_as_before(&scene, &run);
}

/// Held for writing by tests that cordon the node, and for reading by tests that cannot wait until it is free again.
static NODE: RwLock<()> = RwLock::new(());

/// A node that takes no new pods, until this is dropped.
struct Cordoned<'a>(&'a Kubernetes, String);

impl Drop for Cordoned<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["uncordon", &self.1]);
    }
}

#[test]
fn a_side_pod_that_is_removed_or_drained_is_a_failure_and_the_workload_comes_back() {
    let Some(cluster) = Kubernetes::any() else { return };
    let app = App::new(&cluster);
    let scene = app.scene("/data");
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    app.namespace.kubectl(&["delete", "--wait=false", &app.side_pod()]);
    app.is_as_before(&scene, &run.finish());
    // No new pods there, and the old ones are evicted.
    let _alone = NODE.write().unwrap_or_else(PoisonError::into_inner);
    let mut run = scene.start(&[":backup:make", "tree"]);
    run.until_phase("capturing");
    let pod = app.side_pod();
    let node = app.namespace.kubectl(&["get", &pod, "-o", "jsonpath={.spec.nodeName}"]);
    let run_of = app.namespace.kubectl(&["get", &pod, "-o", "jsonpath={.metadata.labels.bahub\\.run}"]);
    let selector = format!("--pod-selector=bahub.run={run_of}");
    let drained = cluster.try_kubectl(&["drain", &node, &selector, "--delete-emptydir-data", "--timeout=60s"]);
    let cordoned = Cordoned(&cluster, node);
    run.until_phase("closing");
    // Scaled back, though nothing can run yet.
    app.namespace.wait("its scale", || app.state() == app.before);
    drop(cordoned);
    assert!(drained.status.success() && String::from_utf8_lossy(&drained.stdout).contains("evicted"), "{drained:?}");
    app.is_as_before(&scene, &run.finish());
    app.namespace.ready("app=web");
}

#[test]
fn an_api_server_that_is_killed_in_the_middle_is_waited_for() {
    Kubernetes::any().iter().for_each(is_waited_for_in);
}

fn is_waited_for_in(cluster: &Kubernetes) {
    let app = App::new(cluster);
    let Some(mut server) = ApiServer::beside(cluster) else { return };
    let scene = scene(&app.namespace, "web", &server.kubeconfig(), "/data");
    for phase in ["quiescing", "capturing"] {
        let mut run = scene.start(&[":backup:make", "tree"]);
        run.until_phase(phase);
        server.kill();
        if phase == "capturing" {
            run.until_phase("closing");
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
        server.start();
        if phase == "quiescing" {
            // Nothing was lost: it waits, scales down, and goes on.
            run.until_phase("capturing");
            run.signal(Signal::INT);
        }
        app.is_as_before(&scene, &run.finish());
        app.namespace.ready("app=web");
    }
    audited(&server.audit(), &["-----BEGIN PGP"]);
}

#[test]
fn an_image_that_cannot_be_had_and_a_quota_are_reported_before_anything_is_scaled() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("side-refused");
    namespace.workload("Deployment", "web", 1);
    let before = state(&namespace, "deployment/web");
    let spec = |more: &str| {
        let kubeconfig = cluster.kubeconfig();
        let spec = format!(
            "namespace: {}, selector: app=web, scaleDown: true, timeout: 90, kubeconfig: \"{}\", {more}",
            namespace.name(),
            kubeconfig.display()
        );
        Scene::new()
            .with_transport("bahub.transports.kubernetes_sidepod", &spec)
            .with_adapter("bahub.adapters.filesystem", "paths: [/data]")
    };
    let _ready = NODE.read().unwrap_or_else(PoisonError::into_inner);
    let run = spec("image: \"localhost:1/none:1\"").json(&[":backup:make", "tree"]);
    run.assert_code(7).assert_error(&["the side pod web-", "localhost:1/none:1", "describe pod web-"]);
    namespace.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {pods: \"1\"}}\n");
    let used = || namespace.kubectl(&["get", "resourcequota", "few", "-o", "jsonpath={.status.used.pods}"]);
    namespace.wait("the quota", || !used().is_empty());
    let run = spec(&format!("image: \"{}\"", Kubernetes::image("busybox"))).json(&[":backup:make", "tree"]);
    run.assert_code(7).assert_error(&["cannot be created", "exceeded quota: few", "describe job web-"]);
    assert_eq!(state(&namespace, "deployment/web"), before);
}

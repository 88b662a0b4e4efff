//! A pod beside another one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bahub_core::event::Events;
use bahub_core::instance::Coverage;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Exec, Process, Session, Transport, TransportErrorKind};
use bahub_testkit::conformance::{self, StoppedWorkload, TransportOptions, transport_claim};
use bahub_testkit::fixtures::{Kubernetes, Namespace, agent_program, container, pod, with_claim, workload};
use bahub_transports::kubernetes::SidePod;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::side_either::Either;
use super::support::{in_each, in_one, open, run};

pub(crate) fn side(namespace: &Namespace, app: &str, more: Value) -> SidePod {
    let mut spec = json!({
        "namespace": namespace.name(),
        "selector": format!("app={app}"),
        "image": Kubernetes::image("busybox"),
        "timeout": 120,
        "wait_ready": 60,
        "resources": { "requests": { "cpu": "50m" } },
        "kubeconfig": namespace.cluster().kubeconfig(),
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    SidePod::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap()
}

fn cold() -> Value {
    json!({ "scaleDown": true })
}

/// Everything that a run could leave or change, by name and number.
fn state(namespace: &Namespace) -> String {
    let scaled = "jsonpath={range .items[*]}{.kind} {.metadata.name} {.spec.replicas} {.metadata.annotations.bahub\\.scaled-down}{\"\\n\"}{end}";
    let kinds = "deployments,statefulsets,replicasets,replicationcontrollers";
    let scaled = namespace.kubectl(&["get", kinds, "-o", scaled]);
    // The cluster copies a Deployment's annotations to its ReplicaSets and never removes one there.
    let scaled: Vec<_> = scaled.lines().filter(|line| !line.starts_with("ReplicaSet deployment-")).collect();
    let scaled = scaled.join("\n");
    // Pods that no longer work are removed within seconds.
    namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    let made = namespace.kubectl(&["get", "jobs,leases,configmaps,secrets,persistentvolumeclaims", "-o", "name"]);
    format!("{scaled}\n{made}")
}

pub(crate) async fn said(session: &mut dyn Session, script: &str) -> String {
    let Process { mut stdout, mut stderr, exit, .. } = session.exec(&Exec::new(["sh", "-c", script])).await.unwrap();
    let (mut text, mut errors) = (String::new(), String::new());
    let (out, err) = tokio::join!(stdout.read_to_string(&mut text), stderr.read_to_string(&mut errors));
    out.unwrap();
    err.unwrap();
    exit.await;
    text + &errors
}

/// Any cluster, with a namespace for the test.
async fn anywhere(test: &str, check: impl AsyncFnOnce(Arc<Namespace>)) {
    let Some(cluster) = Kubernetes::any() else { return };
    check(Arc::new(cluster.namespace(test))).await;
}

fn pods(namespace: &Namespace, app: &str) -> usize {
    namespace.kubectl(&["get", "pods", "-l", &format!("app={app}"), "-o", "name"]).lines().count()
}

/// The StatefulSet `web`.
#[derive(Debug)]
struct Web(Arc<Namespace>);

impl Web {
    fn scale(&self, replicas: u32) {
        self.0.kubectl(&["scale", "statefulset/web", &format!("--replicas={replicas}")]);
    }
}

#[async_trait::async_trait]
impl StoppedWorkload for Web {
    async fn is_up(&self) -> bool {
        !self.0.scale_of("statefulset/web").starts_with("0/")
    }

    async fn flip(&self) {
        self.scale(1);
        self.0.ready("app=web");
        self.scale(0);
        self.0.wait("the end of its pods", || pods(&self.0, "web") == 0);
    }
}

async fn conforms(namespace: Arc<Namespace>, options: TransportOptions) {
    namespace.workload("StatefulSet", "web", 1);
    let before = state(&namespace);
    let stdin_ends = namespace.cluster().closes_stdin();
    let options = TransportOptions {
        agent_program: Some(agent_program()),
        scratch: "/data".into(),
        shares_files: false,
        stdin_ends,
        purpose: RunPurpose::Restore,
        own_paths: vec!["/data".into(), "/data/a".into()],
        foreign_paths: vec!["/".into(), "/etc".into(), "/database".into(), "/tmp".into()],
        workload: Some(Arc::new(Web(Arc::clone(&namespace)))),
        ..options
    };
    let cold = Arc::new(side(&namespace, "web", cold()));
    let report =
        conformance::transport(Arc::new(Either { hot: side(&namespace, "web", json!({})), cold }), &options).await;
    report.assert_conforms();
    assert_eq!(report.held().len(), transport_claim::ALL.len() - 1 - usize::from(!stdin_ends));
    assert_eq!(state(&namespace), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn sidepod_conforms() {
    in_one("side", |namespace| conforms(namespace, TransportOptions::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "with each protocol of exec: scripts/test --grid"]
async fn full_grid_sidepod_conforms() {
    in_each("side", |namespace| conforms(namespace, TransportOptions::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 3 GiB: run it with --ignored"]
async fn sidepod_conforms_with_a_gibibyte_each_way() {
    let options = TransportOptions { volume: 1 << 30, limit: Duration::from_secs(900), ..TransportOptions::default() };
    in_each("side-gib", |namespace| conforms(namespace, options.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_that_can_be_scaled_is_down_meanwhile_and_then_as_it_was() {
    anywhere("kinds", async |namespace| {
        for (kind, replicas) in [("Deployment", 2), ("StatefulSet", 2), ("ReplicaSet", 1), ("ReplicationController", 1)]
        {
            let name = kind.to_lowercase();
            namespace.workload(kind, &name, replicas);
            let full = format!("{replicas}/{replicas}");
            namespace.wait("its pods", || namespace.scale_of(&format!("{name}/{name}")).trim() == full);
            let before = state(&namespace);
            let mut session = open(&side(&namespace, &name, cold())).await.unwrap();
            said(session.as_mut(), "true").await;
            // Ready before anything is scaled.
            assert_eq!(namespace.scale_of(&format!("{name}/{name}")).trim(), full);
            session.quiesce().await.unwrap();
            assert_eq!(pods(&namespace, &name), 0, "{kind}");
            let down = namespace.scale_of(&format!("{name}/{name}"));
            assert!(down.starts_with("0/ ") && down.contains(&format!("\"replicas\":{replicas}")), "{down}");
            session.close().await.unwrap();
            assert_eq!(state(&namespace), before, "{kind}");
            assert_eq!(namespace.scale_of(&format!("{name}/{name}")).trim(), full);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_begins_when_the_last_writer_is_gone() {
    anywhere("writer", async |namespace| {
        // It ignores SIGTERM, and writes until it is killed.
        let writes = "trap '' TERM; while :; do echo x >>/data/file; usleep 5000; done";
        let more = format!(", volumeMounts: [{{name: data, mountPath: /data}}], command: [sh, -c, \"{writes}\"]");
        namespace.claim("web");
        let web = workload("Deployment", "web", 1, &with_claim("web"), &container("main", "busybox", &more));
        namespace.apply(&web.replace("terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds: 5"));
        namespace.ready("app=web");
        // A kubelet before 1.22 removes what has ended when it next sweeps, once in a minute.
        let patient = json!({ "scaleDown": true, "timeout": 300 });
        let mut session = open(&side(&namespace, "web", patient)).await.unwrap();
        let grows =
            "one=$(wc -c </data/file); sleep 1; other=$(wc -c </data/file); [ $one -gt 0 ] && echo $((other - one))";
        assert_ne!(said(session.as_mut(), grows).await, "0\n");
        session.quiesce().await.unwrap();
        assert_eq!(said(session.as_mut(), grows).await, "0\n");
        session.close().await.unwrap();
        assert_eq!(namespace.scale_of("deployment/web").trim(), "1/1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_leaves_alone_what_is_at_0_and_goes_on_afterwards() {
    anywhere("scaler", async |namespace| {
        namespace.workload("Deployment", "web", 2);
        namespace.apply(
            "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {minReplicas: 2, maxReplicas: 3, \
             scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
        );
        let reported = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&reported);
        let cx = RunContext { events: Events::to(move |event| *log.lock().unwrap() += &format!("{event:?}")), ..run() };
        let mut session = side(&namespace, "web", cold()).open(&cx).await.unwrap();
        assert!(reported.lock().unwrap().contains("the autoscaler web is inactive while"), "{reported:?}");
        session.quiesce().await.unwrap();
        // It reports when it has seen a workload at 0.
        let says = || namespace.kubectl(&["get", "hpa", "web", "-o", "jsonpath={.metadata.annotations}"]);
        namespace.wait("the autoscaler's look", || says().contains("ScalingDisabled"));
        assert!(namespace.scale_of("deployment/web").starts_with("0/"));
        session.close().await.unwrap();
        assert_eq!(namespace.scale_of("deployment/web").trim(), "2/2");
        // The autoscaler itself works.
        namespace.kubectl(&["scale", "deployment/web", "--replicas=1"]);
        namespace.wait("what the autoscaler wants", || namespace.scale_of("deployment/web").trim() == "2/2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_cannot_be_scaled_back_is_not_scaled_down() {
    anywhere("refused", async |namespace| {
        let main = container("main", "busybox", "");
        namespace.apply(&workload("DaemonSet", "daemon", 0, "", &main));
        namespace.apply(&workload("Job", "job", 0, "", &main));
        namespace.apply(&pod("bare", "", &main));
        for (app, reason) in [("daemon", "on every node"), ("job", "runs to its end"), ("bare", "has no controller")] {
            namespace.ready(&format!("app={app}"));
            let error = open(&side(&namespace, app, cold())).await.err().unwrap();
            assert_eq!(error.kind(), TransportErrorKind::Refused);
            assert!(error.chain().contains(reason), "{}", error.chain());
            assert!(error.help().unwrap().contains("scaleDown"), "{error:?}");
        }
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_a_side_pod_would_not_have_is_refused_or_reported() {
    anywhere("shared", async |namespace| {
        namespace.claim("web");
        let mounts = "{name: data, mountPath: /data}, {name: scratch, mountPath: /data/scratch}";
        let main = container("main", "busybox", &format!(", volumeMounts: [{mounts}]"));
        let other = container("other", "busybox", ", volumeMounts: [{name: data, mountPath: /logs, subPath: logs}]");
        let volumes = with_claim("web").replace("volumes: [", "volumes: [{name: scratch, emptyDir: {}}, ");
        namespace.apply(&workload("Deployment", "web", 1, &volumes, &format!("{main}, {other}")));
        namespace.ready("app=web");
        for (path, wanted) in [("/data/scratch/x", "an emptyDir"), ("/etc", "is not on a volume"), ("/", "is not on a volume")]
        {
            let cx = RunContext { required_paths: vec![path.into()], ..run() };
            let mut session = side(&namespace, "web", json!({})).open(&cx).await.unwrap();
            let coverage = session.coverage(&cx.required_paths).await.unwrap();
            let [Coverage::NotOwn { reason, help }] = &*coverage else { panic!("{coverage:?}") };
            assert!(reason.contains(wanted), "{reason}");
            assert!(help.contains("/data (claim web), /logs (claim web)") && help.contains("podexec"), "{help}");
            session.close().await.unwrap();
        }
        assert_eq!(namespace.of_runs(), "");
        let name = namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
        namespace.sh(&name, "other", "echo kept >/logs/file");
        for (purpose, writes) in [(RunPurpose::Backup, false), (RunPurpose::Restore, true)] {
            let reported = Arc::new(Mutex::new(String::new()));
            let log = Arc::clone(&reported);
            let events = Events::to(move |event| *log.lock().unwrap() += &format!("{event:?}"));
            let cx = RunContext { required_paths: vec!["/data".into(), "/logs/file".into()], events, purpose, ..run() };
            let mut session = side(&namespace, "web", json!({})).open(&cx).await.unwrap();
            let script = "cat /logs/file /data/logs/file; ls -d /data/scratch; touch /data/x && echo written; rm -f /data/x; touch /x";
            let seen = said(session.as_mut(), script).await;
            assert!(seen.starts_with("kept\nkept\n"), "{seen}");
            assert_eq!(seen.contains("written"), writes, "{seen}");
            assert_eq!(seen.contains("touch: /x: Read-only"), writes, "{seen}");
            session.close().await.unwrap();
            let reported = reported.lock().unwrap().clone();
            assert!(reported.contains("does not have /data/scratch: it is an emptyDir"), "{reported}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_never_hold_one_workload() {
    anywhere("two", async |namespace| {
        namespace.workload("Deployment", "web", 2);
        let before = namespace.scale_of("deployment/web");
        let transport = side(&namespace, "web", cold());
        // Both find it as it is.
        let (mut one, mut other) = (open(&transport).await.unwrap(), open(&transport).await.unwrap());
        let (first, second) = tokio::join!(one.quiesce(), other.quiesce());
        if first.is_err() {
            std::mem::swap(&mut one, &mut other);
        }
        let refused = first.and(second).unwrap_err();
        assert!(refused.chain().contains("another run is using it"), "{}", refused.chain());
        other.close().await.unwrap();
        assert_eq!(pods(&namespace, "web"), 0);
        let third = open(&transport).await.err().unwrap().chain();
        assert!(third.contains("another run (of the backup test) is using deployment"), "{third}");
        assert_eq!(transport.recover(&run()).await.unwrap(), []);
        assert_eq!(pods(&namespace, "web"), 0);
        one.close().await.unwrap();
        assert_eq!(namespace.scale_of("deployment/web"), before);
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_other_hosts_are_dead_when_their_lease_has_expired() {
    anywhere("leases", async |namespace| {
        namespace.workload("Deployment", "web", 1);
        let before = namespace.scale_of("deployment/web");
        let transport = side(&namespace, "web", cold());
        // Simulates a killed process: nothing continues in a runtime that is shut down.
        let alone = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let begun = alone.spawn({
            let namespace = Arc::clone(&namespace);
            async move {
                let mut session = open(&side(&namespace, "web", cold())).await.unwrap();
                session.quiesce().await.unwrap();
                std::mem::forget(session);
            }
        });
        begun.await.unwrap();
        alone.shutdown_background();
        let lease = namespace.kubectl(&["get", "leases", "-l", "bahub.run", "-o", "name"]);
        let patch = |renewed: &str| {
            let patch = json!({ "spec": { "holderIdentity": "another-boot/1/2/3", "renewTime": renewed } });
            namespace.kubectl(&["patch", &lease, "--type=merge", "-p", &patch.to_string()]);
        };
        let now = namespace.kubectl(&["get", &lease, "-o", "jsonpath={.spec.renewTime}"]);
        patch(&now);
        assert_eq!(transport.recover(&run()).await.unwrap(), []);
        assert!(namespace.scale_of("deployment/web").starts_with("0/"));
        patch("2020-01-01T00:00:00.000000Z");
        let recovered = transport.recover(&run()).await.unwrap();
        let reported: Vec<_> = recovered.iter().map(|one| format!("{} {}", one.what, one.done)).collect();
        assert!(reported[0].contains(&format!("deployment {}/web scaled back to 1", namespace.name())), "{reported:?}");
        assert!(reported[1].contains("side pod") && reported[1].contains("removed"), "{reported:?}");
        namespace.ready("app=web");
        namespace.wait("its scale", || namespace.scale_of("deployment/web") == before);
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_scaled_by_someone_else_meanwhile_is_left_alone() {
    anywhere("theirs", async |namespace| {
        namespace.workload("Deployment", "web", 1);
        let reported = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&reported);
        let events = Events::to(move |event| *log.lock().unwrap() += &format!("{event:?}"));
        let cx = RunContext { events, ..run() };
        let mut session = side(&namespace, "web", cold()).open(&cx).await.unwrap();
        said(session.as_mut(), "true").await;
        session.quiesce().await.unwrap();
        session.verify_quiesced().await.unwrap();
        namespace.kubectl(&["scale", "deployment/web", "--replicas=3"]);
        let error = session.verify_quiesced().await.unwrap_err();
        assert!(error.chain().contains("does not stay at 0"), "{}", error.chain());
        session.close().await.unwrap();
        assert!(namespace.scale_of("deployment/web").starts_with("3/"));
        assert!(!namespace.scale_of("deployment/web").contains("run"));
        assert!(
            reported.lock().unwrap().contains("to 3 by someone else during the run"),
            "{}",
            reported.lock().unwrap()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_pod_that_exceeds_its_timeout_is_ended_and_reported() {
    anywhere("overdue", async |namespace| {
        namespace.workload("Deployment", "web", 1);
        let reported = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&reported);
        let events = Events::to(move |event| *log.lock().unwrap() += &format!("{event:?}"));
        let cx = RunContext { events, ..run() };
        let mut session = side(&namespace, "web", json!({ "timeout": 45 })).open(&cx).await.unwrap();
        let process = session.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        assert!(!matches!(process.exit.await, bahub_core::step::Exit::Code(0)));
        namespace.wait("the end of the job", || {
            namespace
                .kubectl(&["get", "jobs", "-o", "jsonpath={.items[*].status.conditions[*].reason}"])
                .contains("Deadline")
        });
        session.close().await.unwrap();
        assert!(reported.lock().unwrap().contains("it reached `timeout`"), "{}", reported.lock().unwrap());
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_record_is_reported_with_the_number_of_replicas() {
    anywhere("unrecorded", async |namespace| {
        namespace.workload("Deployment", "web", 2);
        let mut session = open(&side(&namespace, "web", cold())).await.unwrap();
        said(session.as_mut(), "true").await;
        session.quiesce().await.unwrap();
        namespace.kubectl(&["annotate", "deployment/web", "bahub.scaled-down-"]);
        let error = session.close().await.unwrap_err();
        let reported = format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default());
        assert!(reported.contains("previous replicas (2)") && reported.contains("--replicas=2"), "{reported}");
    })
    .await;
}

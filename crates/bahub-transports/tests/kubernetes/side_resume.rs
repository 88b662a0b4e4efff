//! A workload is down only while it is read: it is back while the side pod still works on what it has read.

use std::sync::Arc;

use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, Process, Transport};
use bahub_testkit::fixtures::{Kubernetes, Namespace};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::side::{said, side};
use super::support::{open, run};

fn cold() -> Value {
    json!({ "scaleDown": true, "timeout": 300 })
}

fn lease(namespace: &Namespace) -> String {
    namespace.kubectl(&["get", "leases", "-l", "bahub.run", "-o", "jsonpath={.items[*].metadata.annotations}"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workload_is_back_while_the_side_pod_still_works() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("resume");
    namespace.workload("Deployment", "web", 2);
    namespace.wait("its pods", || namespace.scale_of("deployment/web").trim() == "2/2");
    let cx = RunContext { required_paths: vec!["/data".into()], ..run() };
    let mut session = side(&namespace, "web", cold()).open(&cx).await.unwrap();
    said(session.as_mut(), "true").await;
    assert_eq!(cx.downtime.total(), None);
    session.quiesce().await.unwrap();
    assert!(cx.downtime.total().is_some());
    assert!(lease(&namespace).contains("bahub.workload"), "{}", lease(&namespace));
    let process = session.exec(&Exec::new(["sh", "-c", "read word; echo \"still $word\""])).await.unwrap();
    session.verify_quiesced().await.unwrap();
    session.resume().await.unwrap();
    let total = cx.downtime.total();
    // Its claim is bound to one node, where the side pod runs too.
    namespace.wait("its pods", || namespace.scale_of("deployment/web").trim() == "2/2");
    let Process { mut stdin, mut stdout, stderr: _stderr, exit } = process;
    stdin.write_all(b"here\n").await.unwrap();
    stdin.flush().await.unwrap();
    let mut text = String::new();
    stdout.read_to_string(&mut text).await.unwrap();
    exit.await;
    assert_eq!((&*text, cx.downtime.total()), ("still here\n", total));
    // It is no longer held, neither for the next run nor for `:recover`.
    assert!(!lease(&namespace).contains("bahub.workload") && lease(&namespace).contains("bahub.selector"));
    let next = open(&side(&namespace, "web", cold())).await.unwrap();
    next.close().await.unwrap();
    // Later changes are left alone.
    session.resume().await.unwrap();
    namespace.kubectl(&["scale", "deployment/web", "--replicas=0"]);
    tokio::time::timeout(std::time::Duration::from_secs(90), session.close()).await.unwrap().unwrap();
    assert!(namespace.scale_of("deployment/web").starts_with("0/"), "{}", namespace.scale_of("deployment/web"));
    assert_eq!((cx.downtime.total(), cx.undo.unwind().await), (total, Vec::<String>::new()));
    namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_dropped_after_a_resume_removes_its_side_pod_and_scales_nothing() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("dropped");
    namespace.workload("Deployment", "web", 1);
    let cx = run();
    let mut session = side(&namespace, "web", cold()).open(&cx).await.unwrap();
    session.quiesce().await.unwrap();
    session.resume().await.unwrap();
    namespace.kubectl(&["scale", "deployment/web", "--replicas=0"]);
    drop(session);
    assert_eq!(cx.undo.unwind().await, Vec::<String>::new());
    assert!(namespace.scale_of("deployment/web").starts_with("0/"));
    namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_after_a_resume_is_recovered_without_scaling() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = Arc::new(cluster.namespace("resumed-dead"));
    namespace.workload("Deployment", "web", 1);
    let transport = side(&namespace, "web", cold());
    for replicas in ["0", "2"] {
        namespace.kubectl(&["scale", "deployment/web", "--replicas=1"]);
        namespace.ready("app=web");
        // Simulates a killed process: nothing continues in a runtime that is shut down.
        let alone = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let begun = alone.spawn({
            let namespace = Arc::clone(&namespace);
            async move {
                let mut session = open(&side(&namespace, "web", cold())).await.unwrap();
                session.quiesce().await.unwrap();
                session.verify_quiesced().await.unwrap();
                session.resume().await.unwrap();
                std::mem::forget(session);
            }
        });
        begun.await.unwrap();
        alone.shutdown_background();
        namespace.kubectl(&["scale", "deployment/web", &format!("--replicas={replicas}")]);
        let lease = namespace.kubectl(&["get", "leases", "-l", "bahub.run", "-o", "name"]);
        let dead =
            json!({ "spec": { "holderIdentity": "another-boot/1/2/3", "renewTime": "2020-01-01T00:00:00.000000Z" } });
        namespace.kubectl(&["patch", &lease, "--type=merge", "-p", &dead.to_string()]);
        let recovered = transport.recover(&run()).await.unwrap();
        assert_eq!(recovered.len(), 1, "{recovered:?}");
        assert!(recovered[0].what.starts_with("side pod"), "{recovered:?}");
        assert!(namespace.scale_of("deployment/web").starts_with(&format!("{replicas}/")));
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    }
}

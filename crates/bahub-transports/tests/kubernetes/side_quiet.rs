//! Other users of the data: before the workload is stopped, and while the data is read.

use bahub_core::transport::{Session, TransportError, TransportErrorKind};
use bahub_testkit::fixtures::{Kubernetes, Namespace, container, pod, with_claim};
use serde_json::{Value, json};

use super::side::{said, side};
use super::support::open;

fn cold() -> Value {
    json!({ "scaleDown": true, "timeout": 300 })
}

/// A separate pod that has the claim of the workload `web`.
fn other(namespace: &Namespace, name: &str, read_only: bool) {
    let mount = format!(", volumeMounts: [{{name: data, mountPath: /data, readOnly: {read_only}}}]");
    namespace.apply(&pod(name, &with_claim("web"), &container("main", "busybox", &mount)));
    namespace.ready(&format!("app={name}"));
}

fn ended(namespace: &Namespace, name: &str) {
    let main = container("main", "busybox", ", command: [\"true\"], volumeMounts: [{name: data, mountPath: /data}]");
    namespace.apply(&pod(name, &format!("restartPolicy: Never\n  {}", with_claim("web")), &main));
    let phase = || namespace.kubectl(&["get", "pod", name, "-o", "jsonpath={.status.phase}"]);
    namespace.wait("its end", || phase() == "Succeeded");
}

fn gone(namespace: &Namespace, name: &str) {
    namespace.kubectl(&["delete", "pod", name, "--now"]);
}

#[track_caller]
fn assert_error(error: &TransportError, parts: &[&str]) {
    let message = format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default());
    assert_eq!(error.kind(), TransportErrorKind::NotOwn, "{message}");
    parts.iter().for_each(|part| assert!(message.contains(part), "{part:?} is not in {message:?}"));
}

async fn quiesced(namespace: &Namespace) -> Box<dyn Session> {
    namespace.ready("app=web");
    let mut session = open(&side(namespace, "web", cold())).await.unwrap();
    said(session.as_mut(), "true").await;
    session.quiesce().await.unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pod_that_can_write_to_a_claim_is_named_before_anything_is_stopped() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("shared-claim");
    namespace.workload("Deployment", "web", 1);
    let is_up = || assert_eq!(namespace.scale_of("deployment/web").trim(), "1/1");
    let words = [
        &format!("the pod batch of pod {}/batch", namespace.name()),
        "claim web",
        "not part of deployment",
        "readOnly",
        "remove `scaleDown`",
    ];
    other(&namespace, "batch", false);
    let error = open(&side(&namespace, "web", cold())).await.err().unwrap();
    assert_error(&error, &words);
    is_up();
    // Without a stop, data in use by other pods is copied.
    open(&side(&namespace, "web", json!({}))).await.unwrap().close().await.unwrap();
    gone(&namespace, "batch");
    // It appears after the session was opened.
    let mut session = open(&side(&namespace, "web", cold())).await.unwrap();
    said(session.as_mut(), "true").await;
    other(&namespace, "batch", false);
    assert_error(&session.quiesce().await.unwrap_err(), &words);
    is_up();
    session.close().await.unwrap();
    is_up();
    gone(&namespace, "batch");
    // A pod that only reads, or has ended, does not conflict.
    other(&namespace, "reader", true);
    ended(&namespace, "done");
    let mut session = quiesced(&namespace).await;
    gone(&namespace, "done");
    gone(&namespace, "reader");
    session.verify_quiesced().await.unwrap();
    session.verify_quiesced().await.unwrap();
    session.close().await.unwrap();
    is_up();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_ran_meanwhile_is_noticed_even_if_nothing_of_it_is_left() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("flips");
    namespace.workload("StatefulSet", "web", 1);
    let is_up = || assert_eq!(namespace.scale_of("statefulset/web").trim(), "1/1");
    let scale = |to: u32| drop(namespace.kubectl(&["scale", "statefulset/web", &format!("--replicas={to}")]));
    let pods = || namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]);

    // Scaled up and down again.
    let mut session = quiesced(&namespace).await;
    scale(1);
    namespace.ready("app=web");
    scale(0);
    namespace.wait("the end of its pod", || pods().is_empty());
    assert_error(&session.verify_quiesced().await.unwrap_err(), &["the pod web-0 of statefulset", "was running"]);
    session.close().await.unwrap();
    is_up();

    // So quickly that no pod was seen.
    let mut session = quiesced(&namespace).await;
    scale(1);
    scale(0);
    assert_error(&session.verify_quiesced().await.unwrap_err(), &["the data may have been in use during the run"]);
    session.close().await.unwrap();
    is_up();

    // A pod of another application.
    let mut session = quiesced(&namespace).await;
    namespace.pod("bystander");
    gone(&namespace, "bystander");
    session.verify_quiesced().await.unwrap();
    ended(&namespace, "batch");
    gone(&namespace, "batch");
    assert_error(
        &session.verify_quiesced().await.unwrap_err(),
        &["the pod batch of pod", "was running and could write to the claim web"],
    );
    session.close().await.unwrap();
    is_up();
}

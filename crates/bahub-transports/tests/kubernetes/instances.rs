//! Which of several pods is the selected instance, and where its version is restored.

use bahub_core::instance::{Coverage, Difference, Identity};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Transport, TransportError, TransportErrorKind};
use bahub_testkit::fixtures::{Kubernetes, Namespace, container, workload};
use serde_json::{Value, json};

use super::side::{said, side};
use super::support::{run, transport};

/// A StatefulSet with a claim for each pod, and the pod's name in a file there.
fn stateful_set(namespace: &Namespace, replicas: u32) {
    (0..replicas).for_each(|number| namespace.claim(&format!("data-db-{number}")));
    let main = container("main", "busybox", ", volumeMounts: [{name: data, mountPath: /data}]");
    let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: \"\", \
                  resources: {requests: {storage: 1Gi}}}}]";
    let set = workload("StatefulSet", "db", replicas, "", &main)
        .replace(", template: {", &format!(", {claims}, template: {{"));
    namespace.apply(&set);
    for number in 0..replicas {
        namespace.wait("its pods", || namespace.try_kubectl(&["get", "pod", &format!("db-{number}")]).status.success());
    }
    namespace.ready("app=db");
    for number in 0..replicas {
        namespace.sh(&format!("db-{number}"), "main", "hostname >/data/name");
    }
}

fn of_data(purpose: RunPurpose) -> RunContext {
    RunContext { required_paths: vec!["/data".into()], purpose, ..run() }
}

/// The name in the file that a session sees, and the session's identity.
async fn seen(transport: &dyn Transport, cx: &RunContext) -> Result<(String, Identity), TransportError> {
    let mut session = transport.open(cx).await?;
    let identity = session.identity().await?;
    assert!(!matches!(session.coverage(&cx.required_paths).await?[0], Coverage::NotOwn { .. }));
    let name = said(session.as_mut(), "cat /data/name").await;
    session.close().await?;
    Ok((name.trim().to_owned(), identity))
}

#[track_caller]
fn assert_error(error: &TransportError, kind: TransportErrorKind, parts: &[&str]) {
    let message = format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default());
    assert_eq!(error.kind(), kind, "{message}");
    parts.iter().for_each(|part| assert!(message.contains(part), "{part:?} is not in {message:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_pods_with_claims_of_their_own_one_is_named() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("instances");
    stateful_set(&namespace, 3);
    let podexec = |more: Value| transport(&namespace, "app=db", more);
    let sidepod = |more: Value| side(&namespace, "db", more);
    let (backup, restore) = (of_data(RunPurpose::Backup), of_data(RunPurpose::Restore));
    let names = [
        "3 pods",
        "db-0 (statefulset",
        "claim data-db-0",
        "db-1 (",
        "db-2 (",
        "do not have the same data",
        "`pod: db-0`",
    ];
    for more in [json!({}), json!({ "pod": "ready" })] {
        for cx in [&backup, &run(), &restore] {
            assert_error(&podexec(more.clone()).open(cx).await.err().unwrap(), TransportErrorKind::NotOwn, &names);
        }
        assert_error(&sidepod(more).open(&backup).await.err().unwrap(), TransportErrorKind::NotOwn, &names);
    }
    for (pod, name) in [(json!("db-1"), "db-1"), (json!(2), "db-2"), (json!("oldest"), "db-0")] {
        let (seen, identity) = seen(&podexec(json!({ "pod": pod })), &backup).await.unwrap();
        assert_eq!(seen, name);
        assert_eq!(identity.workload, format!("statefulset {}/db", namespace.name()));
        assert_eq!((&*identity.details["pod"], &*identity.details["claims"]), (name, &*format!("data-{name}")));
    }
    // A side pod is the same instance.
    let (name, of_one) = seen(&sidepod(json!({ "pod": 1 })), &backup).await.unwrap();
    assert_eq!((&*name, &*of_one.details["pod"]), ("db-1", "db-1"));
    let (_, of_two) = seen(&podexec(json!({ "pod": 2 })), &backup).await.unwrap();
    assert_eq!(of_one.differs_from(&of_two), Some(Difference::Instance));

    // A version is restored to its original instance, unless the configuration says otherwise.
    let restore_of = |of: &Identity| RunContext { version_of: Some(of.clone()), ..restore.clone() };
    for transport in [&podexec(json!({})) as &dyn Transport, &sidepod(json!({})), &podexec(json!({ "pod": "newest" }))]
    {
        let (name, identity) = seen(transport, &restore_of(&of_one)).await.unwrap();
        assert_eq!((&*name, identity.differs_from(&of_one)), ("db-1", None));
    }
    let (name, identity) = seen(&podexec(json!({ "pod": "db-0" })), &restore_of(&of_one)).await.unwrap();
    assert_eq!((&*name, identity.differs_from(&of_one)), ("db-0", Some(Difference::Instance)));
    let gone = of_one.clone().with("pod", "db-7");
    let error = podexec(json!({ "timeout": 1 })).open(&restore_of(&gone)).await.err().unwrap();
    assert_error(
        &error,
        TransportErrorKind::NotOwn,
        &["the version is a backup of the pod db-7", "it has db-0, db-1, db-2", "set `pod`"],
    );
    let error = podexec(json!({ "pod": "redy", "timeout": 1 })).open(&backup).await.err().unwrap();
    assert_error(
        &error,
        TransportErrorKind::Unreachable,
        &["no pod called redy", "db-0, db-1, db-2", "one of `ready`, `oldest`"],
    );
    let error = podexec(json!({ "pod": 7, "timeout": 1 })).open(&backup).await.err().unwrap();
    assert_error(&error, TransportErrorKind::Unreachable, &["no pod with the ordinal 7", "db-0, db-1, db-2"]);
}

/// While one of two is being replaced only the other is there, and it is not what other nights back up.
#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_being_removed_counts_among_those_with_claims_of_their_own() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("leaving");
    stateful_set(&namespace, 2);
    namespace.kubectl(&["delete", "pod", "db-1", "--grace-period=15", "--wait=false"]);
    let podexec = |more: Value| transport(&namespace, "app=db", more);
    let error = podexec(json!({ "timeout": 1 })).open(&of_data(RunPurpose::Backup)).await.err().unwrap();
    assert_error(&error, TransportErrorKind::NotOwn, &["2 pods", "db-0 (", "db-1 (", "do not have the same data"]);
    let (name, _) = seen(&podexec(json!({ "pod": "db-0" })), &of_data(RunPurpose::Backup)).await.unwrap();
    assert_eq!(name, "db-0");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_share_their_claims_are_one_instance_and_pods_of_several_workloads_are_not() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("replicas");
    namespace.workload("Deployment", "web", 2);
    namespace.wait("its pods", || namespace.scale_of("deployment/web").trim() == "2/2");
    let pods = || namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}"]);
    let first = pods().split(' ').next().unwrap().to_owned();
    namespace.sh(&first, "main", "echo shared >/data/name");
    let (backup, podexec) = (of_data(RunPurpose::Backup), transport(&namespace, "app=web", json!({ "timeout": 60 })));
    let (name, before) = seen(&podexec, &backup).await.unwrap();
    assert_eq!((&*name, before.workload), ("shared", format!("deployment {}/web", namespace.name())));
    assert_eq!((before.details.get("pod"), &*before.details["claims"]), (None, "web"));
    // Other pods, the same instance.
    let (_, before) = seen(&podexec, &backup).await.unwrap();
    namespace.kubectl(&["delete", "pods", "-l", "app=web"]);
    let (_, after) = seen(&podexec, &backup).await.unwrap();
    assert_ne!(before.details["uid"], after.details["uid"]);
    assert_eq!(before.differs_from(&after), None);
    let (_, beside) = seen(&side(&namespace, "web", json!({})), &backup).await.unwrap();
    assert_eq!(beside.differs_from(&after), None);
    // Each replica has its own /etc.
    let own = RunContext { required_paths: vec!["/etc".into()], ..run() };
    assert_error(
        &podexec.open(&own).await.err().unwrap(),
        TransportErrorKind::NotOwn,
        &["2 pods", "do not have the same data"],
    );
    // Another application's pod has the same labels.
    let other = workload("Deployment", "other", 1, "", &container("main", "busybox", ""))
        .replace("app: other", "app: web, of: other");
    namespace.apply(&other);
    namespace.ready("of=other");
    let error = podexec.open(&backup).await.err().unwrap();
    assert_error(&error, TransportErrorKind::NotOwn, &["3 pods", "(deployment ", "/other)", "labels that only it has"]);
}

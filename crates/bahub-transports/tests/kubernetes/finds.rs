//! Which pod and container are selected, and what is reported if nothing can run there.

use bahub_core::transport::{Exec, Session};
use bahub_testkit::fixtures::{Kubernetes, Namespace, container, pod};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::support::{open, transport};

async fn refusal(namespace: &Namespace, selector: &str, more: Value) -> String {
    let error = open(&transport(namespace, selector, more)).await.err().unwrap();
    format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default())
}

#[track_caller]
fn assert_contains(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

/// The pod and container of a session.
async fn place(session: &mut dyn Session) -> String {
    let mut process = session.exec(&Exec::new(["sh", "-c", "echo $HOSTNAME $WHICH"])).await.unwrap();
    let mut output = String::new();
    process.stdout.read_to_string(&mut output).await.unwrap();
    process.exit.await;
    output.trim().to_owned()
}

async fn chosen(namespace: &Namespace, selector: &str, more: Value) -> String {
    let mut session = open(&transport(namespace, selector, more)).await.unwrap();
    let place = place(session.as_mut()).await;
    session.close().await.unwrap();
    place
}

fn two_containers(name: &str, annotations: &str) -> String {
    let which = |name: &str| format!(", env: [{{name: WHICH, value: {name}}}]");
    let both = ["app", "db"].map(|name| container(name, "busybox", &which(name))).join(", ");
    pod(name, "", &both).replace("metadata: {", &format!("metadata: {{{annotations}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_the_named_one_the_default_or_the_only_one() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("containers");
    namespace.apply(&two_containers("two", ""));
    namespace.apply(&two_containers("annotated", "annotations: {kubectl.kubernetes.io/default-container: db}, "));
    namespace.pod("one");
    for app in ["two", "annotated"] {
        namespace.ready(&format!("app={app}"));
    }
    assert_eq!(chosen(&namespace, "app=two", json!({ "container": "app" })).await, "two app");
    assert_eq!(chosen(&namespace, "app=annotated", json!({})).await, "annotated db");
    assert_eq!(chosen(&namespace, "app=one", json!({})).await, "one");
    let message = refusal(&namespace, "app=two", json!({})).await;
    assert_contains(&message, &["pod two", namespace.name(), "2 containers", "app, db", "set `container`", "kubectl "]);
    let message = refusal(&namespace, "app=two", json!({ "container": "web" })).await;
    assert_contains(&message, &["has no container web: app, db", "kubectl "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_chosen_among_several() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("pods");
    let labelled = |name: &str, more: &str| {
        namespace
            .apply(&pod(name, "", &container("main", "busybox", more)).replace("labels: {", "labels: {set: all, "));
    };
    let never = ", readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}";
    labelled("old", "");
    namespace.ready("app=old");
    // Times are whole seconds.
    namespace.sh("old", "main", "sleep 1.1");
    labelled("middle", "");
    namespace.ready("app=middle");
    namespace.sh("old", "main", "sleep 1.1");
    labelled("new", never);
    for (choice, expected) in [("oldest", "old"), ("middle", "middle")] {
        assert_eq!(chosen(&namespace, "set=all", json!({ "pod": choice })).await, expected, "{choice}");
    }
    let message = refusal(&namespace, "set=all", json!({ "pod": "newest", "timeout": 1 })).await;
    assert_contains(
        &message,
        &["pod new ", "is not ready", "containers with unready status: [main]", "describe pod new"],
    );
    namespace
        .wait("the newest", || namespace.try_kubectl(&["exec", "new", "--", "touch", "/tmp/ready"]).status.success());
    assert_eq!(chosen(&namespace, "set=all", json!({ "pod": "newest", "timeout": 30 })).await, "new");
    let message = refusal(&namespace, "set=all", json!({ "pod": "all-must-match-one" })).await;
    assert_contains(&message, &["3 pods", "old (pod ", "middle (pod ", "new (pod ", "get pods -l 'set=all'"]);
    assert_eq!(chosen(&namespace, "app=middle", json!({ "pod": "all-must-match-one" })).await, "middle");
    // A pod that is being deleted does not count.
    namespace.kubectl(&["delete", "pod", "old", "--wait=false"]);
    assert_eq!(chosen(&namespace, "set=all", json!({ "pod": "oldest" })).await, "middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_never_gets_ready_is_reported_with_the_reason_and_a_command() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("unready");
    let restarts = |name: &str, more: &str| namespace.apply(&pod(name, "", &container("main", "busybox", more)));
    restarts("crashes", ", command: [sh, -c, \"exit 3\"]");
    let pull = container("main", "busybox", "").replace(&Kubernetes::image("busybox"), "localhost:1/no/such:image");
    namespace.apply(&pod("pulls", "", &pull));
    namespace.apply(&pod("nowhere", "nodeSelector: {no-such: label}", &container("main", "busybox", "")));
    let over = "restartPolicy: Never";
    namespace.apply(&pod("done", over, &container("main", "busybox", ", command: [\"true\"]")));
    // The kubelet evicts pods that exceed their limit.
    let fills = ", command: [sh, -c, \"head -c 4000000 /dev/zero >/data/file; sleep 1000\"], volumeMounts: [{name: data, mountPath: /data}]";
    let small = "volumes: [{name: data, emptyDir: {sizeLimit: 1Mi}}]";
    namespace.apply(&pod("evicted", small, &container("main", "busybox", fills)));

    let message = refusal(&namespace, "app=nobody", json!({ "timeout": 1 })).await;
    assert_contains(&message, &["no pod", namespace.name(), "app=nobody", "kubectl ", "get pods --show-labels"]);
    let message = refusal(&namespace, "app=nowhere", json!({ "timeout": 1 })).await;
    assert_contains(&message, &["pod nowhere", "is not scheduled", "describe pod nowhere"]);
    let waits = |pod: &str, path: &str, value: &str| {
        let path = format!("jsonpath={{{path}}}");
        namespace.wait(value, || namespace.kubectl(&["get", "pod", pod, "-o", &path]).contains(value));
    };
    let reason = ".status.containerStatuses[0].state.waiting.reason";
    waits("done", ".status.phase", "Succeeded");
    let message = refusal(&namespace, "app=done", json!({ "timeout": 1 })).await;
    assert_contains(&message, &["pod done", "has ended"]);
    waits("crashes", reason, "CrashLoopBackOff");
    let message = refusal(&namespace, "app=crashes", json!({ "timeout": 1 })).await;
    assert_contains(
        &message,
        &["pod crashes", namespace.name(), "container main", "exit code 3", "logs crashes -c main --previous"],
    );
    assert!(message.contains("CrashLoopBackOff") || message.contains("keeps crashing"), "{message}");
    waits("pulls", reason, "ImagePullBackOff");
    let message = refusal(&namespace, "app=pulls", json!({ "timeout": 1 })).await;
    assert_contains(
        &message,
        &["pod pulls", "container main", "Pull", "localhost:1/no/such:image", "describe pod pulls"],
    );
    waits("evicted", ".status.reason", "Evicted");
    let message = refusal(&namespace, "app=evicted", json!({ "timeout": 1 })).await;
    assert_contains(&message, &["pod evicted", "was evicted: ", "describe pod evicted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_unreachable_cluster_is_reported() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("access");
    let message = refusal(&namespace, "app=x", json!({ "kubeconfig": "/nonexistent/kubeconfig" })).await;
    assert_contains(&message, &["/nonexistent/kubeconfig", "cannot be read"]);
    let message = refusal(&namespace, "app=x", json!({ "context": "elsewhere" })).await;
    assert_contains(&message, &["does not define how to reach the cluster", "elsewhere", "get-contexts"]);
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    let config = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let address = config.split("https://").nth(1).unwrap().split(['"', '\n', '}']).next().unwrap();
    std::fs::write(kubeconfig.path(), config.replace(address, "127.0.0.1:1")).unwrap();
    let message = refusal(&namespace, "app=x", json!({ "kubeconfig": kubeconfig.path(), "timeout": 1 })).await;
    assert_contains(&message, &["https://127.0.0.1:1/ does not answer", "refused", "readyz"]);
    // A certificate that does not match is reported at once.
    let open_authority = config.replace("certificate-authority-data", "x-data");
    std::fs::write(kubeconfig.path(), open_authority).unwrap();
    let message = refusal(&namespace, "app=x", json!({ "kubeconfig": kubeconfig.path(), "timeout": 3600 })).await;
    assert_contains(&message, &["invalid peer certificate"]);
}

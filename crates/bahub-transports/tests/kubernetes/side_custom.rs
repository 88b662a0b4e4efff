//! Resources about which this program only knows that they can be scaled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bahub_testkit::fixtures::{Kubernetes, Namespace, container, unique, workload};
use serde_json::json;

use super::side::{said, side};
use super::support::open;

/// A resource definition that is removed with this value.
struct Definition {
    cluster: Kubernetes,
    group: String,
}

impl Definition {
    /// A kind `Fleet`, with its number of replicas at this path of its `spec`.
    fn new(cluster: &Kubernetes, number: &str) -> Self {
        let group = format!("{}.bahub.invalid", &unique()[..8]);
        cluster.apply(
            &[],
            &format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: fleets.{group}}}\nspec:\n  \
                 group: {group}\n  scope: Namespaced\n  names: {{plural: fleets, singular: fleet, kind: Fleet}}\n  versions:\n  - name: v1\n    \
                 served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n    \
                 subresources: {{scale: {{specReplicasPath: .spec.{number}, statusReplicasPath: .status.replicas, labelSelectorPath: .spec.selector}}}}\n"
            ),
        );
        let definition = Self { cluster: cluster.clone(), group };
        let path = format!("fleets.{}", definition.group);
        cluster.kubectl(&["wait", "--for=condition=Established", "crd", &path, "--timeout=60s"]);
        definition
    }
}

impl Drop for Definition {
    fn drop(&mut self) {
        let _ = self.cluster.try_kubectl(&["delete", "crd", &format!("fleets.{}", self.group), "--wait=false"]);
    }
}

/// What an operator would do: sets the number of the fleet on its replica set.
fn operate(namespace: &Namespace, fleet: &str, number: &str, end: &AtomicBool) {
    let mut last = String::new();
    while !end.load(Ordering::Relaxed) {
        let wanted = namespace.kubectl(&["get", fleet, "-o", &format!("jsonpath={{.spec.{number}}}")]);
        if wanted != last {
            namespace.kubectl(&["scale", "replicaset/web", &format!("--replicas={wanted}")]);
        }
        last = wanted;
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

async fn is_scaled(number: &str) {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = Arc::new(cluster.namespace("custom"));
    let definition = Definition::new(&cluster, number);
    let fleet = format!("fleets.{}/all", definition.group);
    namespace.apply(&format!(
        "apiVersion: {}/v1\nkind: Fleet\nmetadata: {{name: all}}\nspec: {{{number}: 2, selector: \"app=web\"}}\n",
        definition.group
    ));
    let uid = namespace.kubectl(&["get", &fleet, "-o", "jsonpath={.metadata.uid}"]);
    namespace.claim("web");
    let main = container("main", "busybox", ", volumeMounts: [{name: data, mountPath: /data}]");
    let replicas = workload("ReplicaSet", "web", 2, &bahub_testkit::fixtures::with_claim("web"), &main);
    let owner =
        format!("{{apiVersion: {}/v1, kind: Fleet, name: all, uid: {uid}, controller: true}}", definition.group);
    namespace.apply(&replicas.replacen("{name: web}", &format!("{{name: web, ownerReferences: [{owner}]}}"), 1));
    namespace.wait("its pods", || namespace.scale_of("replicaset/web").trim() == "2/2");
    let end = Arc::new(AtomicBool::new(false));
    let operator = {
        let (namespace, fleet, number, end) =
            (Arc::clone(&namespace), fleet.clone(), number.to_owned(), Arc::clone(&end));
        std::thread::spawn(move || operate(&namespace, &fleet, &number, &end))
    };
    let look = || {
        let path = format!("jsonpath={{.spec.{number}}} {{.metadata.annotations.bahub\\.scaled-down}}");
        namespace.kubectl(&["get", &fleet, "-o", &path])
    };
    let before = look();
    let mut session = open(&side(&namespace, "web", json!({ "scaleDown": true }))).await.unwrap();
    said(session.as_mut(), "true").await;
    session.quiesce().await.unwrap();
    assert!(look().starts_with("0 {"), "{}", look());
    assert_eq!(namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]), "");
    session.close().await.unwrap();
    assert_eq!(look(), before);
    namespace.wait("its pods", || namespace.scale_of("replicaset/web").trim() == "2/2");
    end.store(true, Ordering::Relaxed);
    operator.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_with_a_scale_is_scaled_and_its_children_are_not() {
    is_scaled("replicas").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_whose_number_has_another_name_is_scaled_too() {
    is_scaled("size").await;
}

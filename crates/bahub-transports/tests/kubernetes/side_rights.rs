//! The rights that the docs list for a side pod are sufficient, and each of them is needed.

use bahub_core::transport::{Exec, PutFile, TransportError};
use bahub_testkit::fixtures::{Kubernetes, Namespace};
use serde_json::json;
use serde_yaml::Value;

use super::rights::until_may;
use super::side::side;
use super::support::open;

const DOCS: &str = include_str!("../../../../docs/transports/kubernetes_sidepod.md");
const ROLES: [&str; 2] = ["bahub-sidepod", "bahub-scale"];

/// The documents of the YAML block that holds a Role of this name.
fn documented(role: &str) -> Vec<Value> {
    let block = DOCS.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    let block =
        block.into_iter().find(|block| block.contains(&format!("kind: Role\nmetadata: {{name: {role},"))).unwrap();
    serde_yaml::Deserializer::from_str(block).map(|one| serde::Deserialize::deserialize(one).unwrap()).collect()
}

fn rules(role: &str) -> Vec<Value> {
    let rules = documented(role).iter().find_map(|one| one.get("rules").cloned()).unwrap();
    rules.as_sequence().unwrap().clone()
}

/// Applies them in this namespace, without the rule with this index.
fn grant(namespace: &Namespace, role: &str, without: Option<usize>) {
    for mut document in documented(role) {
        document["metadata"]["namespace"] = namespace.name().into();
        if let (Some(rules), Some(without)) = (document.get_mut("rules"), without) {
            rules.as_sequence_mut().unwrap().remove(without);
        }
        if let Some(subjects) = document.get_mut("subjects") {
            subjects[0]["namespace"] = namespace.name().into();
        }
        // The account itself exists, with its kubeconfig.
        if document["kind"] != "ServiceAccount" {
            namespace.apply(&serde_yaml::to_string(&document).unwrap());
        }
    }
}

async fn works(namespace: &Namespace, kubeconfig: &std::path::Path, scale_down: bool) -> Result<(), TransportError> {
    let transport = side(namespace, "web", json!({ "kubeconfig": kubeconfig, "scaleDown": scale_down }));
    transport_recover(&transport).await?;
    let mut session = open(&transport).await?;
    let work = async {
        session.put(PutFile { name: "x", content: b"x", mode: 0o500 }).await?;
        let process = session.exec(&Exec::new(["true"])).await?;
        process.exit.await;
        session.quiesce().await
    };
    let worked = work.await;
    let closed = session.close().await;
    worked.and(closed)
}

async fn transport_recover(transport: &dyn bahub_core::transport::Transport) -> Result<(), TransportError> {
    transport.recover(&super::support::run()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_of_a_side_pod_are_enough_and_none_is_too_much() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("side-rights");
    namespace.workload("Deployment", "web", 1);
    let account = namespace.service_account("bahub");
    let granted = |role| {
        grant(&namespace, role, None);
        rules(role).iter().for_each(|rule| until_may(&namespace, rule, true));
    };
    granted(ROLES[0]);
    works(&namespace, account.path(), false).await.unwrap();
    granted(ROLES[1]);
    works(&namespace, account.path(), true).await.unwrap();
    namespace.ready("app=web");
    assert_eq!(namespace.scale_of("deployment/web").trim(), "1/1");
    for role in ROLES {
        for (index, rule) in rules(role).iter().enumerate() {
            grant(&namespace, role, Some(index));
            until_may(&namespace, rule, false);
            let error = works(&namespace, account.path(), true).await.unwrap_err();
            let error = format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default());
            let resource = rule["resources"][0].as_str().unwrap();
            let verbs: Vec<_> = rule["verbs"].as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
            let named = verbs.iter().any(|verb| error.contains(&format!("may not {verb} {resource} in the namespace")));
            assert!(named && error.contains("Role with the rule") && error.contains(":bahub"), "{resource}: {error}");
            assert_eq!(namespace.scale_of("deployment/web").trim(), "1/1", "{resource}");
            granted(role);
        }
    }
}

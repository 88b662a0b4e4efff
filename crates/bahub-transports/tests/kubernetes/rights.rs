//! The rights that the docs list are sufficient, and each of them is needed.

use bahub_core::transport::{PutFile, Session, TransportError};
use bahub_testkit::fixtures::{Kubernetes, Namespace};
use serde_json::json;
use serde_yaml::Value;

use super::support::{open, transport};

const DOCS: &str = include_str!("../../../../docs/transports/kubernetes_podexec.md");

/// The documents of the YAML block that holds a Role.
fn documented() -> Vec<Value> {
    let block = DOCS.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    let block = block.into_iter().find(|block| block.contains("kind: Role\n")).unwrap();
    serde_yaml::Deserializer::from_str(block).map(|one| serde::Deserialize::deserialize(one).unwrap()).collect()
}

/// Applies them in this namespace, changed by the test.
fn grant(namespace: &Namespace, change: impl Fn(&mut Vec<Value>)) {
    for mut document in documented() {
        document["metadata"]["namespace"] = namespace.name().into();
        if let Some(rules) = document.get_mut("rules") {
            change(rules.as_sequence_mut().unwrap());
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

/// Waits until the account has a rule's first right, or no longer has it.
pub(super) fn until_may(namespace: &Namespace, rule: &Value, may: bool) {
    let first = |key: &str| rule[key][0].as_str().unwrap();
    let (resource, part) = first("resources").split_once('/').unwrap_or((first("resources"), ""));
    let dot = if first("apiGroups").is_empty() { "" } else { "." };
    let what = format!("{} {resource}{dot}{}", first("verbs"), first("apiGroups"));
    let what = if part.is_empty() { what } else { format!("{what} --subresource={part}") };
    namespace.until_may("bahub", &what, may);
}

async fn works(namespace: &Namespace, kubeconfig: &std::path::Path) -> Result<(), TransportError> {
    let transport = transport(namespace, "app=plain", json!({ "kubeconfig": kubeconfig }));
    let mut session: Box<dyn Session> = open(&transport).await?;
    session.machine().await?;
    session.put(PutFile { name: "x", content: b"x", mode: 0o500 }).await?;
    session.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_are_enough_and_none_is_too_much() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("rights");
    namespace.pod("plain");
    let account = namespace.service_account("bahub");
    // Without any right, the first missing one is named.
    let text = |error: TransportError| {
        format!("{} | {}", error.chain(), error.help().map(ToString::to_string).unwrap_or_default())
    };
    let error = text(works(&namespace, account.path()).await.unwrap_err());
    assert!(error.contains("may not list pods in the namespace"), "{error}");
    grant(&namespace, |_| {});
    namespace.until_may("bahub", "get pods --subresource=exec", true);
    works(&namespace, account.path()).await.unwrap();

    let rules = documented().iter().find_map(|one| one.get("rules").cloned()).unwrap();
    let rules = rules.as_sequence().unwrap();
    assert!(rules.len() >= 2);
    for (index, rule) in rules.iter().enumerate() {
        grant(&namespace, |rules| drop(rules.remove(index)));
        until_may(&namespace, rule, false);
        let error = text(works(&namespace, account.path()).await.unwrap_err());
        let resource = rule["resources"][0].as_str().unwrap();
        let verbs: Vec<_> = rule["verbs"].as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
        let named = verbs.iter().any(|verb| error.contains(&format!("may not {verb} {resource} in the namespace")));
        assert!(named && error.contains("Role with the rule") && error.contains(":bahub"), "{error}");
        assert!(error.contains("kubectl auth can-i"), "{error}");
        grant(&namespace, |_| {});
        until_may(&namespace, rule, true);
    }
}

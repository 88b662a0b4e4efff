//! The `spec` of the transport, and what it shares with the side pod's.

use std::path::PathBuf;

use bahub_core::registry::SpecError;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# Where the pods are, and the labels that they have, as `kubectl get pods -l` takes them.
namespace: shop
selector: app=shop,tier=db
# Which container of the pod; needed where it has several and none is its default.
# container: mariadb
# Which pod where several match: `ready` (the oldest that is ready), `oldest`, `newest`, or `all-must-match-one`.
# pod: ready
# How long to wait for a ready pod, in seconds.
timeout: 120
# How the cluster is reached. Default: KUBECONFIG, ~/.kube/config, or the service account of the pod that bahub runs in.
# kubeconfig: /etc/bahub/kubeconfig
# context: production
";

/// A pod of a Kubernetes cluster, and which of its containers commands run in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodExecConfig {
    /// The namespace of the pods.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// The labels of the pods, as `kubectl get pods -l` takes them.
    pub selector: String,
    /// The container; by default the one that the pod's annotation names, else its only one.
    #[serde(default)]
    pub container: Option<String>,
    /// Which pod is meant where several match.
    #[serde(default)]
    pub pod: PodChoice,
    /// How long to wait for a ready pod, and for a cluster that does not answer, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout: u64,
    /// The file that says how the cluster is reached; by default `KUBECONFIG`, `~/.kube/config`, or the service account of
    /// the pod that bahub runs in.
    #[serde(default)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of that file; by default its current one.
    #[serde(default)]
    pub context: Option<String>,
}

/// Which pod is meant where several match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PodChoice {
    /// The oldest of those that are ready.
    #[default]
    Ready,
    /// The oldest, once it is ready.
    Oldest,
    /// The newest, once it is ready.
    Newest,
    /// The only one: several are an error.
    AllMustMatchOne,
}

pub(super) fn default_namespace() -> String {
    "default".to_owned()
}

fn default_timeout() -> u64 {
    120
}

/// What is wrong in what both transports have.
pub(super) fn check(namespace: &str, selector: &str, timeout: u64) -> Vec<SpecError> {
    let mut wrong = Vec::new();
    // A namespace is a part of URLs; more than this the cluster checks itself.
    if namespace.is_empty() || !namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        wrong.push(SpecError::new("/namespace", "it is no name of a namespace"));
    }
    if selector.trim().is_empty() {
        let help = "write labels as `kubectl get pods -l` takes them: app=web,tier=db";
        wrong.push(SpecError::new("/selector", "it is empty, which would match every pod").with_help(help));
    }
    if timeout == 0 {
        wrong.push(SpecError::new("/timeout", "it must be at least one second"));
    }
    wrong
}

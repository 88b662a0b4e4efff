//! The `spec` of the transport.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::config::{PodChoice, default_namespace};

pub(super) const EXAMPLE: &str = "\
namespace: shop
# A label selector; one of the pods must be ready.
selector: app=web
# The image that commands run in, with the volumes of that pod: it needs `sleep`, `sh` and the adapter's programs.
image: ghcr.io/riotkit-org/backup-maker-env:latest
# Scale the pod's Deployment, StatefulSet etc. to 0 during the run, and back afterwards. Default: false.
# scaleDown: true
# How long to wait for pods, and the maximum lifetime of the side pod, in seconds. Default: 3600.
# timeout: 3600
";

/// A temporary pod with the volumes of another one, which can be scaled down during the run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SidePodConfig {
    /// The namespace of the pods.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// A label selector for the pods, as for `kubectl get pods -l`.
    pub selector: String,
    /// Which pod to use if several match.
    #[serde(default)]
    pub pod: PodChoice,
    /// The container whose mounts and security context to use; by default the mounts of all and the security context of the first.
    #[serde(default)]
    pub container: Option<String>,
    /// The image in which commands run.
    #[serde(default = "image")]
    pub image: String,
    /// How long to wait for pods, and the maximum lifetime of the side pod, in seconds.
    #[serde(default = "timeout")]
    pub timeout: u64,
    /// Whether the pod's workload is scaled to 0 during the run.
    #[serde(default, rename = "scaleDown", alias = "scale_down")]
    pub scale_down: bool,
    /// The suffix that the side pod's name adds to the original's.
    #[serde(default = "suffix", rename = "podSuffix", alias = "pod_suffix")]
    pub pod_suffix: String,
    /// How long to wait, in seconds, for as many pods to be ready as before, before a warning.
    #[serde(default = "ready")]
    pub wait_ready: u64,
    /// The service account of the side pod (its token is not mounted); by default the original's.
    #[serde(default)]
    pub service_account: Option<String>,
    /// The numeric id of the user that commands run as; by default as in the original.
    #[serde(default)]
    pub user: Option<i64>,
    /// The side pod's resource requests and limits.
    #[serde(default)]
    pub resources: Resources,
    /// The kubeconfig file; by default `KUBECONFIG`, `~/.kube/config`, or the service account of the pod that bahub runs in.
    #[serde(default)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; by default its current one.
    #[serde(default)]
    pub context: Option<String>,
}

impl SidePodConfig {
    /// A pod beside the one that this selector matches, in the default namespace; the rest has its defaults.
    pub fn new(selector: impl Into<String>) -> Self {
        Self {
            namespace: default_namespace(),
            selector: selector.into(),
            pod: PodChoice::default(),
            container: None,
            image: image(),
            timeout: timeout(),
            scale_down: false,
            pod_suffix: suffix(),
            wait_ready: ready(),
            service_account: None,
            user: None,
            resources: Resources::default(),
            kubeconfig: None,
            context: None,
        }
    }
}

/// Resource requests and limits of a container, as in Kubernetes: `cpu: 500m`, `memory: 256Mi`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Resources {
    /// What is set aside for it.
    #[serde(default)]
    pub requests: BTreeMap<String, String>,
    /// What it may use at most.
    #[serde(default)]
    pub limits: BTreeMap<String, String>,
}

fn image() -> String {
    "ghcr.io/riotkit-org/backup-maker-env:latest".into()
}

fn timeout() -> u64 {
    3600
}

fn suffix() -> String {
    "-backup".into()
}

fn ready() -> u64 {
    300
}

//! The `spec` of the transport.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::config::{PodChoice, default_namespace};

pub(super) const EXAMPLE: &str = "\
namespace: shop
# Pods that have these labels; one of them must be ready.
selector: app=web
# The image in which commands run, beside the volumes of that pod: it needs `sleep`, `sh`, and what the adapter runs.
image: ghcr.io/riotkit-org/backup-maker-env:latest
# Scale the pod's Deployment, StatefulSet or its like to 0 meanwhile, and back afterwards. Default: false.
# scaleDown: true
# Seconds: how long to wait for pods, and how long the side pod lives at most. Default: 3600.
# timeout: 3600
";

/// A temporary pod with the volumes of another one, which may be scaled down meanwhile.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SidePodConfig {
    /// The namespace of the pods.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// A label selector, as `kubectl get pods --selector` takes it.
    pub selector: String,
    /// Which pod, where several match.
    #[serde(default)]
    pub pod: PodChoice,
    /// The container whose mounts and rights count; without it the mounts of all of them, and the rights of the first.
    #[serde(default)]
    pub container: Option<String>,
    /// The image in which commands run.
    #[serde(default = "image")]
    pub image: String,
    /// How long to wait for pods, and how long the side pod lives at most, in seconds.
    #[serde(default = "timeout")]
    pub timeout: u64,
    /// Whether what the pod belongs to is scaled to 0 while the work is done.
    #[serde(default, rename = "scaleDown", alias = "scale_down")]
    pub scale_down: bool,
    /// What the side pod's name has after the original's.
    #[serde(default = "suffix", rename = "podSuffix", alias = "pod_suffix")]
    pub pod_suffix: String,
    /// How long to wait, in seconds, until as many pods are ready as before; then a warning is reported.
    #[serde(default = "ready")]
    pub wait_ready: u64,
    /// The service account of the side pod, which gets no token of it; by default the original's.
    #[serde(default)]
    pub service_account: Option<String>,
    /// The user that commands run as, by number; by default as in the original.
    #[serde(default)]
    pub user: Option<i64>,
    /// What the side pod asks for and may use.
    #[serde(default)]
    pub resources: Resources,
    /// The kubeconfig; by default that of `KUBECONFIG`, of the home, or the pod's own service account.
    #[serde(default)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; by default its current one.
    #[serde(default)]
    pub context: Option<String>,
}

/// What a container asks for and may use, as Kubernetes writes it: `cpu: 500m`, `memory: 256Mi`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# The container whose data is meant: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`.
orig_container: shop-db-1
# The image in which commands run, beside the volumes of that container.
temp_container_image: debian:bookworm-slim
# Stop the original meanwhile, and bring it back to the state it was in. Default: true.
# stop: true
# Containers that must be down too, stopped in this order and started again in the opposite one.
# also_stop: [shop-app-1]
";

/// A container beside the original, with its volumes, while the original is down.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideConfig {
    /// The original: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`. Exactly one must match.
    pub orig_container: String,
    /// The image in which commands run.
    pub temp_container_image: String,
    /// Accepted for old configurations; nothing goes through a shell.
    #[serde(default)]
    pub shell: Option<String>,
    /// Whether the original is down while the work is done.
    #[serde(default = "yes")]
    pub stop: bool,
    /// How long the original may take to stop, in seconds, before it is killed; by default what it was made with.
    #[serde(default)]
    pub stop_timeout: Option<u32>,
    /// Containers that must be down too, in the order in which they are stopped.
    #[serde(default)]
    pub also_stop: Vec<String>,
    /// How long to wait, in seconds, until a container that was healthy is so again; then a warning is reported.
    #[serde(default = "healthy")]
    pub wait_healthy: u64,
    /// When the image is pulled: `missing`, `always` or `never`; `true` and `false` are `always` and `never`.
    #[serde(default)]
    pub pull: Pull,
    /// The network of the side container; by default the original's.
    #[serde(default)]
    pub network: Option<String>,
    /// The user that commands run as; by default the image's.
    #[serde(default)]
    pub user: Option<String>,
    /// Where the Docker Engine is; as in `bahub.transports.docker`.
    #[serde(default)]
    pub docker_host: Option<String>,
}

fn yes() -> bool {
    true
}

fn healthy() -> u64 {
    120
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pull {
    /// The original product's spelling: always or never.
    Flag(bool),
    /// By name.
    Named(PullPolicy),
}

impl Default for Pull {
    fn default() -> Self {
        Self::Named(PullPolicy::Missing)
    }
}

impl Pull {
    pub(super) fn policy(self) -> PullPolicy {
        match self {
            Self::Flag(true) => PullPolicy::Always,
            Self::Flag(false) => PullPolicy::Never,
            Self::Named(policy) => policy,
        }
    }
}

/// When an image is pulled, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    /// Where it is not there.
    Missing,
    /// For each run.
    Always,
    /// Never: where it is not there the run fails.
    Never,
}

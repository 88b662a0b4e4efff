//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# The container whose data is backed up: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`.
orig_container: shop-db-1
# The image that commands run in, with the volumes of that container.
temp_container_image: debian:bookworm-slim
# Stop the original during the run, and return it to its previous state afterwards. Default: true.
# stop: true
# More containers to stop: in this order, and restarted in reverse order.
# also_stop: [shop-app-1]
";

/// A temporary container with the volumes of the original, while the original is stopped.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SideConfig {
    /// The original: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`. Exactly one must match.
    pub orig_container: String,
    /// The image in which commands run.
    pub temp_container_image: String,
    /// Accepted for old configurations, without effect: no shell is used.
    #[serde(default)]
    pub shell: Option<String>,
    /// Whether the original is stopped during the run.
    #[serde(default = "yes")]
    pub stop: bool,
    /// How long the original may take to stop, in seconds, before it is killed; by default its own stop timeout.
    #[serde(default)]
    pub stop_timeout: Option<u32>,
    /// More containers to stop, in this order.
    #[serde(default)]
    pub also_stop: Vec<String>,
    /// How long to wait, in seconds, for a container that was healthy to be healthy again, before a warning.
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

impl SideConfig {
    /// A container that is stopped during the run, and the image of the one that runs beside it; the rest has its defaults.
    pub fn new(orig_container: impl Into<String>, temp_container_image: impl Into<String>) -> Self {
        Self {
            orig_container: orig_container.into(),
            temp_container_image: temp_container_image.into(),
            shell: None,
            stop: yes(),
            stop_timeout: None,
            also_stop: Vec::new(),
            wait_healthy: healthy(),
            pull: Pull::default(),
            network: None,
            user: None,
            docker_host: None,
        }
    }
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
    /// If it is not present.
    Missing,
    /// For each run.
    Always,
    /// Never: the run fails if it is not present.
    Never,
}

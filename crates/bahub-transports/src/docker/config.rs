//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# A container by its name or id, by a label (`label:com.example.role=db`), or as a service of a compose project
# (`compose: project/service`, written `compose:project/service`). Exactly one container must match.
container: shop-db-1
# The user that commands run as. Default: the container's own user.
# user: root
# Where the Docker Engine is. Default: DOCKER_HOST, else unix:///var/run/docker.sock.
# docker_host: unix:///run/user/1000/docker.sock
";

/// A container of a Docker Engine, and how commands run in it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DockerConfig {
    /// The container: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`. Exactly one must match.
    pub container: String,
    /// Accepted for old configurations, without effect: no shell is used.
    #[serde(default)]
    pub shell: Option<String>,
    /// The user (`name`, `uid`, `user:group`) that commands run as; by default the container's own.
    #[serde(default)]
    pub user: Option<String>,
    /// The folder that commands start in; by default the container's own.
    #[serde(default)]
    pub workdir: Option<String>,
    /// The address of the Docker Engine: `unix://PATH`, `tcp://HOST:PORT`; by default `DOCKER_HOST`, or the local socket.
    /// With `DOCKER_TLS_VERIFY` set, TCP goes over TLS with the certificates of `DOCKER_CERT_PATH`.
    #[serde(default)]
    pub docker_host: Option<String>,
    /// Whether the agent is kept in the container for the next run, in a folder owned by the user that commands run as.
    /// It is never kept in a volume or in a helper container.
    #[serde(default)]
    pub keep_agent: bool,
    /// Whether commands run in a helper container with the same volumes, network and processes instead.
    #[serde(default)]
    pub helper: Helper,
    /// The image of the helper container; by default the container's own image.
    #[serde(default)]
    pub helper_image: Option<String>,
}

impl DockerConfig {
    /// A container; the rest has its defaults.
    pub fn new(container: impl Into<String>) -> Self {
        Self {
            container: container.into(),
            shell: None,
            user: None,
            workdir: None,
            docker_host: None,
            keep_agent: false,
            helper: Helper::default(),
            helper_image: None,
        }
    }
}

/// When a helper container is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Helper {
    /// If the container has no folder for the agent.
    #[default]
    Auto,
    /// For every run.
    Always,
    /// Never: a container without a folder for the agent is an error.
    Never,
}

//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# A container by its name or id, by a label (`label:com.example.role=db`), or as a service of a compose project
# (`compose: project/service`, written `compose:project/service`). Exactly one container must match.
container: shop-db-1
# As whom commands run there. Default: the container's own user.
# user: root
# Where the Docker Engine is. Default: DOCKER_HOST, else unix:///var/run/docker.sock.
# docker_host: unix:///run/user/1000/docker.sock
";

/// A container of a Docker Engine, and how commands run in it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DockerConfig {
    /// The container: its name, its id, `label:KEY=VALUE`, or `compose:PROJECT/SERVICE`. Exactly one must match.
    pub container: String,
    /// Accepted for old configurations; nothing goes through a shell.
    #[serde(default)]
    pub shell: Option<String>,
    /// The user (`name`, `uid`, `user:group`) that commands run as; by default the container's own.
    #[serde(default)]
    pub user: Option<String>,
    /// The folder that commands start in; by default the container's own.
    #[serde(default)]
    pub workdir: Option<String>,
    /// Where the Docker Engine is: `unix://PATH`, `tcp://HOST:PORT`; by default `DOCKER_HOST`, else the local socket.
    /// With `DOCKER_TLS_VERIFY` set, TCP goes over TLS with the certificates of `DOCKER_CERT_PATH`.
    #[serde(default)]
    pub docker_host: Option<String>,
    /// Whether the agent stays in the container, for the next run, in a folder of the user that commands run as. Not in a
    /// volume, nor in a helper container.
    #[serde(default)]
    pub keep_agent: bool,
    /// Whether another container with the same volumes, network and processes stands in for this one.
    #[serde(default)]
    pub helper: Helper,
    /// The image of that container; by default the image of the container itself.
    #[serde(default)]
    pub helper_image: Option<String>,
}

/// When a helper container is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Helper {
    /// Where the container has no place for the agent.
    #[default]
    Auto,
    /// For every run.
    Always,
    /// For none: a container without a place for the agent is an error.
    Never,
}

//! The `spec` of the transport.

use std::path::PathBuf;

use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = r#"# The host's name, address, or `Host` of ~/.ssh/config. Alone it is enough: all else is as `ssh` does it by itself.
host: db.example.org
user: backup
port: 22
identity_file: ~/.ssh/backup
# Where the host's key is looked for; an unknown or changed one is refused.
known_hosts: ~/.ssh/known_hosts
# Hosts on the way, as `ssh -J` takes them.
jump: [backup@gate.example.org]
# Whether commands run as root: `true` where sudo asks for no password, or `{ password: "${file:/run/secrets/sudo}" }`.
sudo: false
# Seconds.
connect_timeout: 15
"#;

/// Which host, and who logs in there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshConfig {
    /// The host's name or address, or a `Host` of the user's ssh configuration.
    pub host: String,
    /// Who logs in there; by default as the user's ssh configuration says.
    #[serde(default)]
    pub user: Option<String>,
    /// The server's TCP port; by default as the user's ssh configuration says, or 22.
    #[serde(default)]
    pub port: Option<u16>,
    /// The private key to log in with, and no other one; by default the user's agent, configuration and `~/.ssh/id_*`.
    #[serde(default)]
    pub identity_file: Option<PathBuf>,
    /// The file of known hosts; by default the user's and the system's.
    #[serde(default)]
    pub known_hosts: Option<PathBuf>,
    /// The hosts on the way, first to last: `[user@]host[:port]`.
    #[serde(default)]
    pub jump: JumpConfig,
    /// Whether commands run as root, by sudo.
    #[serde(default)]
    pub sudo: SudoConfig,
    /// How long the connection may take, in seconds, and each one to a host on the way.
    #[serde(default = "default_timeout")]
    pub connect_timeout: u16,
    /// The ssh configuration to use in place of the user's and the system's.
    #[serde(default)]
    pub config_file: Option<PathBuf>,
    /// Whether the agent stays on the host, for the next run, in a folder of the user that commands run as.
    #[serde(default)]
    pub keep_agent: bool,
}

/// The hosts on the way.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a host, or a list of hosts")]
pub enum JumpConfig {
    /// One, or several with commas between them.
    One(String),
    /// Several, first to last.
    Several(Vec<String>),
}

/// Whether commands run as root.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, false, or { password: ... }")]
pub enum SudoConfig {
    /// Whether they do, where sudo asks for no password.
    Whether(bool),
    /// They do, and sudo gets the password when it asks.
    Password(SudoPassword),
}

/// The password that sudo asks for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoPassword {
    /// The password of the user that logs in. It travels inside the connection, over sudo's standard input.
    pub password: Secret,
}

impl Default for JumpConfig {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Default for SudoConfig {
    fn default() -> Self {
        Self::Whether(false)
    }
}

fn default_timeout() -> u16 {
    15
}

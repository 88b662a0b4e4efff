//! The `spec` of the transport.

use std::path::PathBuf;

use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = r#"# The host's name, address, or `Host` of ~/.ssh/config. All other settings are optional; their defaults are those of `ssh`.
host: db.example.org
user: backup
port: 22
identity_file: ~/.ssh/backup
# The file with the host's key; an unknown or changed key is refused.
known_hosts: ~/.ssh/known_hosts
# Jump hosts, as for `ssh -J`.
jump: [backup@gate.example.org]
# Whether commands run as root: `true` if sudo asks for no password, or `{ password: "${file:/run/secrets/sudo}" }`.
sudo: false
# Seconds.
connect_timeout: 15
"#;

/// The host, and the user to log in as.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SshConfig {
    /// The host's name or address, or a `Host` of the user's ssh configuration.
    pub host: String,
    /// The user to log in as; by default as in the user's ssh configuration.
    #[serde(default)]
    pub user: Option<String>,
    /// The server's TCP port; by default as in the user's ssh configuration, or 22.
    #[serde(default)]
    pub port: Option<u16>,
    /// The only private key to log in with; by default the user's agent, configuration and `~/.ssh/id_*`.
    #[serde(default)]
    pub identity_file: Option<PathBuf>,
    /// The file of known hosts; by default the user's and the system's.
    #[serde(default)]
    pub known_hosts: Option<PathBuf>,
    /// The jump hosts, first to last: `[user@]host[:port]`.
    #[serde(default)]
    pub jump: JumpConfig,
    /// Whether commands run as root, by sudo.
    #[serde(default)]
    pub sudo: SudoConfig,
    /// How long the connection, and each one to a jump host, may take, in seconds.
    #[serde(default = "default_timeout")]
    pub connect_timeout: u16,
    /// The ssh configuration file to use instead of the user's and the system's.
    #[serde(default)]
    pub config_file: Option<PathBuf>,
    /// Whether the agent is kept on the host for the next run, in a folder owned by the user that commands run as.
    #[serde(default)]
    pub keep_agent: bool,
}

impl SshConfig {
    /// A host, with what the configuration of `ssh` says of it; the rest has its defaults.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            user: None,
            port: None,
            identity_file: None,
            known_hosts: None,
            jump: JumpConfig::default(),
            sudo: SudoConfig::default(),
            connect_timeout: default_timeout(),
            config_file: None,
            keep_agent: false,
        }
    }
}

/// The jump hosts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a host, or a list of hosts")]
pub enum JumpConfig {
    /// One, or several separated by commas.
    One(String),
    /// Several, first to last.
    Several(Vec<String>),
}

/// Whether commands run as root.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, false, or { password: ... }")]
pub enum SudoConfig {
    /// Whether to use sudo, if it asks for no password.
    Whether(bool),
    /// Use sudo, with this password if it asks for one.
    Password(SudoPassword),
}

/// The password that sudo asks for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoPassword {
    /// The password of the login user. It is sent over the connection to sudo's standard input.
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

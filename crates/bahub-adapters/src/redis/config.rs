//! The `spec` of the adapter.

use bahub_core::registry::SpecError;
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Redis;
use super::account::Account;

pub(super) const EXAMPLE: &str = r#"# The server, as seen from where the transport runs commands; or `socket: /run/redis/redis.sock`.
host: cache.example.org
port: 6379
# A user of an access control list; without it the default user.
user: backup
password: "${file:/run/secrets/redis}"
# Encrypted; `tls: {}` verifies the server by the system's authorities.
tls:
  ca: /etc/ssl/redis-ca.crt
"#;

/// The server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The server's name or address, as seen from where the transport runs commands.
    #[serde(default)]
    pub host: String,
    /// The server's TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The server's socket, instead of `host`.
    #[serde(default)]
    pub socket: Option<String>,
    /// The user to log in as; empty for the default user.
    #[serde(default)]
    pub user: String,
    /// The password; empty for a server without one.
    #[serde(default = "no_password")]
    pub password: Secret,
    /// An encrypted connection, with verification of the server.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// The folder in which a restore or a drill keeps the data while a temporary server loads it, where commands run.
    #[serde(default = "default_work_folder")]
    pub work_folder: String,
}

/// Files of an encrypted connection, where commands run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsConfig {
    /// A file with the authorities of the server's certificate; by default the system's.
    #[serde(default)]
    pub ca: Option<String>,
    /// A client certificate.
    #[serde(default)]
    pub cert: Option<String>,
    /// Its key.
    #[serde(default)]
    pub key: Option<String>,
}

fn default_port() -> u16 {
    6379
}

fn no_password() -> Secret {
    Secret::new("")
}

fn default_work_folder() -> String {
    "/var/tmp".into()
}

impl RedisConfig {
    /// The server at this host; the rest has its defaults.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: default_port(),
            socket: None,
            user: String::new(),
            password: no_password(),
            tls: None,
            work_folder: default_work_folder(),
        }
    }

    /// Parses everything; all errors are reported at once.
    pub(super) fn check(self) -> Result<Redis, Vec<SpecError>> {
        let mut wrong = Vec::new();
        let account = Account::parse(&self, &mut wrong);
        let work_folder = self.work_folder.trim_end_matches('/').to_owned();
        if !work_folder.starts_with('/') || work_folder.contains('\0') {
            let what = format!("the folder {:?} is not an absolute path", self.work_folder);
            wrong.push(SpecError::new("/work_folder", what).with_help("begin it with a /"));
        }
        // The path of a socket has at most 107 bytes (unix(7)).
        if work_folder.len() > 40 {
            let what = "the path of the folder is too long for the socket that is made in it";
            wrong.push(SpecError::new("/work_folder", what).with_help("choose one of at most 40 bytes"));
        }
        match account {
            Some(account) if wrong.is_empty() => Ok(Redis { account, work_folder }),
            _ => Err(wrong),
        }
    }
}

//! The `spec` of the adapter.

use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Counts;

pub(super) const EXAMPLE: &str = r#"# The server, as seen from where the transport runs commands; or `socket: /run/mysqld/mysqld.sock`.
host: db.example.org
port: 3306
user: backup
password: "${file:/run/secrets/mysql}"
# One database; or `databases: [shop, blog]`; or neither, for all of them with their users, roles and grants.
database: shop
# Tables to leave out: "table", or "database.table" where several databases are backed up.
exclude_tables: [sessions]
# Whether all tables are locked during the dump: for MyISAM and Aria tables that are written to.
lock: false
tls: { mode: prefer }
"#;

/// The server, and the databases to back up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MysqlConfig {
    /// The server's name or address, as seen from where the transport runs commands.
    #[serde(default)]
    pub host: String,
    /// The server's TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The server's socket, instead of `host` and `port`.
    #[serde(default)]
    pub socket: Option<String>,
    /// The user to log in as.
    pub user: String,
    /// The password; empty for none.
    #[serde(default = "no_password")]
    pub password: Secret,
    /// The one database to back up; empty for all.
    #[serde(default)]
    pub database: String,
    /// The databases to back up, if there are several.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Databases to leave out of a backup of all.
    #[serde(default)]
    pub exclude_databases: Vec<String>,
    /// Tables to leave out: `table` of the one database, or `database.table`.
    #[serde(default)]
    pub exclude_tables: Vec<String>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// Whether users, roles and grants are backed up; by default only with all databases.
    #[serde(default)]
    pub users: Option<bool>,
    /// Whether all tables are locked during the dump.
    #[serde(default)]
    pub lock: bool,
    /// Whether the dump program may be MariaDB's where the server is MySQL's, or the other way round.
    #[serde(default)]
    pub allow_other_client: bool,
    /// What happens where a view no longer works: a dump program cannot dump one whose tables are gone.
    #[serde(default)]
    pub on_invalid_view: OnInvalidView,
    /// More options of the dump program that change its form or its speed: `--option` or `--option=value`.
    #[serde(default)]
    pub extra_args: Vec<String>,
    /// Whether rows are counted before and after the dump, for drills to compare with.
    #[serde(default)]
    pub counts: Counts,
    /// The gzip options of the original bahub; they select gzip and its level as compression.
    #[serde(default)]
    #[expect(dead_code, reason = "read by the configuration, which makes the stream's compression of it")]
    gzip_args: Option<String>,
}

/// How the connection to the server is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// What is required of the encryption.
    #[serde(default)]
    pub mode: TlsMode,
    /// A file with trusted CA certificates, as seen from where the transport runs commands.
    #[serde(default)]
    pub ca: Option<String>,
}

/// What is required of the encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// None.
    Disable,
    /// The client program's default.
    #[default]
    Prefer,
    /// An encrypted connection, without verification of the server.
    Require,
    /// An encrypted connection, with verification of the server's certificate and host name.
    Verify,
}

/// What happens where a view no longer works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalidView {
    /// No backup is made; the error names the view.
    #[default]
    Fail,
    /// It is left out, with a warning.
    Skip,
}

fn default_port() -> u16 {
    3306
}

fn no_password() -> Secret {
    Secret::new("")
}

impl MysqlConfig {
    /// All databases that this user sees on a server, of which neither `host` nor `socket` is set; the rest has its defaults.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            host: String::new(),
            port: default_port(),
            socket: None,
            user: user.into(),
            password: no_password(),
            database: String::new(),
            databases: Vec::new(),
            exclude_databases: Vec::new(),
            exclude_tables: Vec::new(),
            tls: Tls::default(),
            users: None,
            lock: false,
            allow_other_client: false,
            on_invalid_view: OnInvalidView::default(),
            extra_args: Vec::new(),
            counts: Counts::default(),
            gzip_args: None,
        }
    }
}

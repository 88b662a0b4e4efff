//! The `spec` of the adapter.

use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Counts;

pub(super) const EXAMPLE: &str = r#"# The server, as seen from where the transport runs commands; or `socket: /var/run/postgresql`.
host: db.example.org
port: 5432
user: backup
password: "${file:/run/secrets/postgres}"
# One database; or `databases: [shop, blog]`; or neither, for all of them with roles and tablespaces.
database: shop
# Tables to leave out, as for pg_dump's --exclude-table.
exclude_tables: [sessions, "audit.*"]
sslmode: prefer
"#;

/// The server, and the databases to back up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PostgresDumpConfig {
    /// The server's name or address, as seen from where the transport runs commands.
    #[serde(default)]
    pub host: String,
    /// The server's TCP port, and the number in its socket's name.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The folder of the server's socket, instead of `host`.
    #[serde(default)]
    pub socket: Option<String>,
    /// The user to log in as.
    pub user: String,
    /// The password; if empty, libpq's other methods: a password file where commands run, peer, certificates.
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
    /// Tables to leave out, as for `pg_dump --exclude-table`.
    #[serde(default)]
    pub exclude_tables: Vec<String>,
    /// The format of a dump of one database.
    #[serde(default)]
    pub format: Format,
    /// Whether roles and tablespaces are backed up; by default only with all databases.
    #[serde(default)]
    pub globals: Option<bool>,
    /// Whether only the schema is backed up, without rows and large objects.
    #[serde(default)]
    pub schema_only: bool,
    /// How the connection is encrypted, as libpq's `sslmode`.
    #[serde(default)]
    pub sslmode: SslMode,
    /// More options of `pg_dump` that change its form or its speed: `--option` or `--option=value`.
    #[serde(default)]
    pub extra_args: Vec<String>,
    /// What happens where a database of several cannot be dumped.
    #[serde(default)]
    pub on_failure: OnDatabaseFailure,
    /// Whether rows are counted before and after the dump, for drills to compare with.
    #[serde(default)]
    pub counts: Counts,
    /// The gzip options of the original bahub; they select gzip and its level as compression.
    #[serde(default)]
    #[expect(dead_code, reason = "read by the configuration, which makes the stream's compression of it")]
    gzip_args: Option<String>,
}

/// The format of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// pg_dump's archive, uncompressed inside: for `pg_restore`.
    #[default]
    Custom,
    /// SQL, for `psql`.
    Plain,
}

/// What happens where a database of several cannot be dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDatabaseFailure {
    /// There is no version; the error names every such database.
    #[default]
    Fail,
    /// The others make a partial version; the run still ends with an error, of exit code 18.
    Partial,
}

/// How the connection is encrypted: libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted only if the server requires it.
    Allow,
    /// Encrypted if the server supports it.
    #[default]
    Prefer,
    /// Encrypted, without verification of the server.
    Require,
    /// Encrypted, with verification of the server's certificate.
    VerifyCa,
    /// Encrypted, with verification of the server's certificate and host name.
    VerifyFull,
}

fn default_port() -> u16 {
    5432
}

fn no_password() -> Secret {
    Secret::new("")
}

impl PostgresDumpConfig {
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
            format: Format::default(),
            globals: None,
            schema_only: false,
            sslmode: SslMode::default(),
            extra_args: Vec::new(),
            on_failure: OnDatabaseFailure::default(),
            counts: Counts::default(),
            gzip_args: None,
        }
    }
}

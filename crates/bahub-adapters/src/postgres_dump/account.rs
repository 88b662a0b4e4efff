//! How the client programs reach the server and log in: a password file in memory, so that no secret is in argv.

use bahub_core::registry::SpecError;
use bahub_core::secret::Secret;
use bahub_core::step::{ByteString, Stdin, Step};

use super::config::{PostgresDumpConfig, SslMode};

/// Below the ten seconds of a probe, so that the program itself reports what it could not reach.
const CONNECT_TIMEOUT: &str = "8";

/// What a session begins with: limits of the role or the database are for its clients.
pub(super) const UNLIMITED: &str = "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN \
    ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout') \\g /dev/null\n";

/// A server, and the account that logs in there.
#[derive(Debug)]
pub(super) struct Account {
    /// libpq's connection string, without the database.
    server: String,
    /// A password file (libpq's manual, "The Password File").
    passfile: Option<Secret>,
}

impl Account {
    pub(super) fn parse(config: &PostgresDumpConfig, wrong: &mut Vec<SpecError>) -> Option<Self> {
        let before = wrong.len();
        let mut wrong_at =
            |pointer: &str, what: &str, help: &'static str| wrong.push(SpecError::new(pointer, what).with_help(help));
        match &config.socket {
            None if config.host.is_empty() => wrong_at("/host", "there is no server", "set `host` or `socket`"),
            Some(_) if !config.host.is_empty() => {
                wrong_at("/socket", "both `host` and `socket` are given", "keep one of them");
            }
            Some(socket) if !socket.starts_with('/') => {
                wrong_at("/socket", "the path of the socket's folder is not absolute", "begin it with a /");
            }
            _ => {}
        }
        if config.user.is_empty() {
            let help = "set the user for backups; docs/adapters/postgres_dump.md lists its rights";
            wrong_at("/user", "there is no user", help);
        }
        // As in a URL.
        let unbracketed = config.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = config.socket.as_deref().unwrap_or(unbracketed.unwrap_or(&config.host));
        for (pointer, value) in [("/host", host), ("/user", config.user.as_str())] {
            if value.contains('\0') {
                wrong_at(pointer, "it contains a NUL byte", "client programs do not support this");
            }
        }
        let password = config.password.expose();
        if password.contains(['\n', '\r', '\0']) {
            let help = "change the password: `ALTER ROLE ... PASSWORD`";
            wrong_at("/password", "libpq's password file cannot contain a line break or a NUL byte", help);
        }
        let server = format!(
            "host={} port={} user={} sslmode={} connect_timeout={CONNECT_TIMEOUT} application_name=bahub",
            quoted(host),
            config.port,
            quoted(&config.user),
            sslmode(config.sslmode)
        );
        let line = || format!("*:*:*:*:{}\n", password.replace('\\', "\\\\").replace(':', "\\:"));
        let passfile = (!password.is_empty()).then(|| Secret::new(line()));
        (wrong.len() == before).then_some(Self { server, passfile })
    }

    /// A client program, logged in to this database; it never asks for a password.
    pub(super) fn program(&self, name: &str, database: &str) -> Step {
        let connection = format!("--dbname={} dbname={}", self.server, quoted(database));
        let step = Step::new(name).env("LC_ALL", "C").arg("--no-password");
        match &self.passfile {
            Some(passfile) => step.secret_file(format!("{connection} passfile="), passfile.clone()),
            None => step.arg(connection),
        }
    }

    /// psql, which stops at the first error and prints bare values.
    pub(super) fn psql(&self, database: &str) -> Step {
        self.program("psql", database)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose"])
            // The failed statement may contain a role's password.
            .arg("--set=SHOW_CONTEXT=never")
            .env("PGCLIENTENCODING", "UTF8")
    }

    /// psql with this script.
    pub(super) fn script(&self, database: &str, script: &str) -> Step {
        let script = format!("{UNLIMITED}{script}");
        self.psql(database).stdin(Stdin::Literal(ByteString::from(&script)))
    }
}

fn sslmode(mode: SslMode) -> &'static str {
    match mode {
        SslMode::Disable => "disable",
        SslMode::Allow => "allow",
        SslMode::Prefer => "prefer",
        SslMode::Require => "require",
        SslMode::VerifyCa => "verify-ca",
        SslMode::VerifyFull => "verify-full",
    }
}

/// A value of a connection string (libpq's manual, "Keyword/Value Connection Strings").
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

//! How the client programs reach the server and log in: an option file in memory, so that nothing is in argv.

use bahub_core::registry::SpecError;
use bahub_core::secret::Secret;
use bahub_core::step::Step;

use super::config::{MysqlConfig, Tls, TlsMode};
use super::version::Family;

/// Below the ten seconds of a probe, so that the program itself reports what it could not reach.
const CONNECT_TIMEOUT: &str = "--connect-timeout=8";

/// The warning about an unencrypted connection.
pub(super) const PLAIN: &str = "the connection is not encrypted";

/// The error of a MySQL server instead of it: MySQL has no such statement outside of routines.
pub(super) const PLAIN_ON_MYSQL: &str = "ERROR 1242 (21000): Subquery returns more than 1 row";

/// MariaDB's programs continue without encryption if the server has none, and only the client has an option that requires it.
/// The first half is a comment for MySQL, the second one for MariaDB.
fn encrypted() -> String {
    format!(
        "/*M! BEGIN NOT ATOMIC IF (SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher') = '' \
         THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{PLAIN}'; END IF; END */ \
         /*!80000 DO (SELECT 1 FROM performance_schema.session_status AS s, (SELECT 1 UNION ALL SELECT 2) AS two \
         WHERE s.variable_name = 'Ssl_cipher' AND s.variable_value = '') */"
    )
}

/// A server, and the account that logs in there.
#[derive(Debug)]
pub(super) struct Account {
    options: Secret,
    user: String,
}

impl Account {
    pub(super) fn parse(config: &MysqlConfig, wrong: &mut Vec<SpecError>) -> Option<Self> {
        let before = wrong.len();
        let mut wrong_at =
            |pointer: &str, what: &str, help: &'static str| wrong.push(SpecError::new(pointer, what).with_help(help));
        match &config.socket {
            None if config.host.is_empty() => wrong_at("/host", "there is no server", "set `host` or `socket`"),
            Some(_) if !config.host.is_empty() => {
                wrong_at("/socket", "both `host` and `socket` are given", "keep one of them");
            }
            Some(socket) if !socket.starts_with('/') => {
                wrong_at("/socket", "the path of the socket is not absolute", "begin it with a /");
            }
            _ => {}
        }
        if config.user.is_empty() {
            wrong_at("/user", "there is no user", "set the user for backups; docs/adapters/mysql.md lists its rights");
        }
        let mut lines = vec!["[client]".to_owned()];
        let mut option = |pointer: &str, name: &str, value: &str| match quoted(value) {
            Some(value) => lines.push(format!("{name}={value}")),
            None => wrong_at(pointer, "it contains a NUL byte", "client programs do not support this"),
        };
        option("/user", "user", &config.user);
        option("/password", "password", config.password.expose());
        match &config.socket {
            Some(socket) => option("/socket", "socket", socket),
            None => option("/host", "host", &config.host),
        }
        if let Some(ca) = &config.tls.ca {
            option("/tls/ca", "ssl-ca", ca);
        }
        match &config.socket {
            Some(_) => lines.push("protocol=socket".into()),
            None => lines.push(format!("port={}", config.port)),
        }
        let (mysql, mariadb) = encryption(&config.tls);
        lines.extend(mysql.map(str::to_owned));
        lines.push("max-allowed-packet=1G".into());
        lines.push("default-character-set=utf8mb4".into());
        lines.push("[client-mariadb]".into());
        lines.extend(mariadb.iter().map(|line| (*line).to_owned()));
        // Only MariaDB's client reads this. A failed statement may contain a password's hash, or rows.
        lines.push("[mariadb-client]".into());
        lines.push("loose-skip-print-query-on-error".into());
        if config.tls.mode == TlsMode::Require {
            lines.push(format!("init-command=\"{}\"", encrypted()));
        }
        lines.push(String::new());
        (wrong.len() == before).then(|| Self { options: Secret::new(lines.join("\n")), user: config.user.clone() })
    }

    /// The user that logs in.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The client program, logged in, reading statements from its standard input. It stops at the first failure.
    pub(super) fn client(&self) -> Step {
        self.escaping_client().arg("--raw")
    }

    /// The same, but line breaks are escaped in its output.
    pub(super) fn escaping_client(&self) -> Step {
        // In binary mode it runs no client commands from its input, and leaves line ends in names as they are. Without
        // `--comments` MariaDB's takes the comments out of routines.
        self.program(Family::MariaDb.client()).args([
            "--batch",
            "--binary-mode",
            "--comments",
            "--skip-column-names",
            CONNECT_TIMEOUT,
        ])
    }

    /// The first of these programs, logged in. The option that names the file must be the first; then no other file is read,
    /// except MySQL's login file.
    pub(super) fn program(&self, names: [&str; 2]) -> Step {
        Step::first_of(names)
            .secret_file("--defaults-file=", self.options.clone())
            .env("LC_ALL", "C")
            .ignores(["unknown variable 'loose-"])
            .env("MYSQL_TEST_LOGIN_FILE", "/dev/null")
    }
}

/// The option of MySQL's programs, over which MariaDB's stumble with a warning, and those of MariaDB's. From 11.4 on these
/// verify the server's certificate unless an option says otherwise, and refuse a server without encryption.
fn encryption(tls: &Tls) -> (Option<&'static str>, &'static [&'static str]) {
    match tls.mode {
        TlsMode::Disable => (Some("loose-ssl-mode=DISABLED"), &["skip-ssl"]),
        TlsMode::Prefer => (None, &["skip-ssl-verify-server-cert"]),
        TlsMode::Require => (Some("loose-ssl-mode=REQUIRED"), &["ssl", "skip-ssl-verify-server-cert"]),
        TlsMode::Verify => (Some("loose-ssl-mode=VERIFY_IDENTITY"), &["ssl", "ssl-verify-server-cert"]),
    }
}

/// A value of an option file (MariaDB's manual, "Configuring MariaDB with Option Files"); none for what it cannot represent.
fn quoted(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for character in value.chars() {
        match character {
            '\0' => return None,
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
    text.push('"');
    Some(text)
}

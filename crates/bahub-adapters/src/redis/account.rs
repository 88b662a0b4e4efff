//! How the client program reaches the server and logs in: with the password on its standard input, so that it is in neither argv
//! nor the environment.

use bahub_core::registry::SpecError;
use bahub_core::secret::Secret;
use bahub_core::step::Step;

use super::config::{RedisConfig, TlsConfig};

/// The client's names.
pub(super) const CLIENTS: [&str; 2] = ["redis-cli", "valkey-cli"];

/// A server, and the account that logs in there.
#[derive(Debug)]
pub(super) struct Account {
    host: String,
    port: u16,
    socket: String,
    user: String,
    /// With a line feed, as `--askpass` reads it.
    password: Option<Secret>,
    /// `AUTH`, as the protocol has it.
    login: Option<Secret>,
    tls: Option<TlsConfig>,
}

impl Account {
    pub(super) fn parse(config: &RedisConfig, wrong: &mut Vec<SpecError>) -> Option<Self> {
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
            Some(_) if config.tls.is_some() => {
                wrong_at("/tls", "a connection by a socket is not encrypted", "remove `tls`, or set `host`");
            }
            _ => {}
        }
        if config.host.starts_with('-') {
            wrong_at("/host", "it begins with a dash", "no host has such a name");
        }
        let socket = config.socket.clone().unwrap_or_default();
        for (pointer, value) in [("/host", &config.host), ("/socket", &socket), ("/user", &config.user)] {
            if value.contains('\0') {
                wrong_at(pointer, "it contains a NUL byte", "client programs do not support this");
            }
        }
        let password = config.password.expose();
        if password.contains(['\n', '\r', '\0']) {
            let help = "change the password: `ACL SETUSER ... >PASSWORD`";
            wrong_at("/password", "the client program cannot read a line break or a NUL byte", help);
        }
        if password.is_empty() && !config.user.is_empty() {
            wrong_at("/password", "there is a user without a password", "set `password`, or remove `user`");
        }
        let words = match config.user.as_str() {
            "" => vec!["AUTH", password],
            user => vec!["AUTH", user, password],
        };
        let tls = config.tls.clone();
        (wrong.len() == before).then(|| Self {
            host: config.host.clone(),
            port: config.port,
            socket,
            user: config.user.clone(),
            password: (!password.is_empty()).then(|| Secret::new(format!("{password}\n"))),
            login: (!password.is_empty()).then(|| Secret::new(resp(&words))),
            tls,
        })
    }

    /// Gives a script its first two arguments, and its variables.
    pub(super) fn tell(&self, step: Step) -> Step {
        let file = |step: Step, secret: &Option<Secret>| match secret {
            Some(secret) => step.secret_file("", secret.clone()),
            None => step.arg(""),
        };
        let step = file(file(step, &self.password), &self.login);
        let tls = self.tls.as_ref();
        let path = |of: fn(&TlsConfig) -> &Option<String>| tls.and_then(|tls| of(tls).clone()).unwrap_or_default();
        unaided(step)
            .env("BAHUB_HOST", self.host.as_str())
            .env("BAHUB_PORT", self.port.to_string())
            .env("BAHUB_SOCKET", self.socket.as_str())
            .env("BAHUB_USER", self.user.as_str())
            .env("BAHUB_TLS", if tls.is_some() { "yes" } else { "" })
            .env("BAHUB_TLS_CA", path(|tls| &tls.ca))
            .env("BAHUB_TLS_CERT", path(|tls| &tls.cert))
            .env("BAHUB_TLS_KEY", path(|tls| &tls.key))
    }

    /// The client program, logged in.
    pub(super) fn client(&self) -> Step {
        let mut step = unaided(Step::first_of(CLIENTS)).env("LC_ALL", "C");
        step = match self.socket.as_str() {
            "" => step.args(["-h", &self.host, "-p", &self.port.to_string()]),
            socket => step.args(["-s", socket]),
        };
        if let Some(tls) = &self.tls {
            step = step.arg("--tls");
            for (option, path) in [("--cacert", &tls.ca), ("--cert", &tls.cert), ("--key", &tls.key)] {
                step = path.iter().fold(step, |step, path| step.args([option, path]));
            }
        }
        if !self.user.is_empty() {
            step = step.args(["--user", &self.user]);
        }
        match &self.password {
            Some(password) => step.arg("--askpass").reads_secret(password.clone()),
            None => step,
        }
    }
}

/// Without what the client program takes from the environment.
fn unaided(mut step: Step) -> Step {
    step.unset.extend(["REDISCLI_AUTH".to_owned(), "VALKEYCLI_AUTH".to_owned()]);
    step
}

/// A command in the protocol of the servers (RESP).
fn resp(words: &[&str]) -> String {
    let words_of = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), words_of.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_bytes() {
        assert_eq!(resp(&["AUTH", "pä\"ss"]), "*2\r\n$4\r\nAUTH\r\n$6\r\npä\"ss\r\n");
    }
}

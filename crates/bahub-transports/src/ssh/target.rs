//! The host and user to log in as, validated.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bahub_core::registry::SpecError;
use bahub_core::secret::Secret;

use super::config::{JumpConfig, SshConfig, SudoConfig};

/// Characters special to a shell: a `ProxyCommand` in the user's configuration may contain these words.
const SHELL: &[char] = &['\'', '"', '`', '$', ';', '&', '<', '>', '|', '(', ')', '{', '}', '*', '?', '!', '#', ','];
/// Characters special in a path in ssh's own configuration.
const PATTERN: &[char] = &['"', '\\', '$', '*', '?', '['];

/// A host to log in to. Its `Display` names it in messages.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_file: Option<PathBuf>,
    pub(super) known_hosts: Option<PathBuf>,
    pub(super) jump: Vec<String>,
    pub(super) sudo: Sudo,
    pub(super) connect_timeout: Duration,
    pub(super) config_file: Option<PathBuf>,
    pub(super) keep_agent: bool,
}

/// How commands are run as root.
#[derive(Debug, Clone)]
pub(super) enum Sudo {
    /// Not at all.
    No,
    /// By a sudo that asks for no password.
    Silent,
    /// By a sudo that asks for this password.
    Password(Secret),
}

impl Target {
    /// Parses everything; all errors are reported at once.
    pub(super) fn parse(config: SshConfig) -> Result<Self, Vec<SpecError>> {
        let mut wrong = Vec::new();
        check_word("/host", &config.host, &mut wrong);
        if config.host.contains(['@', '/']) {
            let help = "put the user into `user` and the port into `port`";
            wrong.push(SpecError::new("/host", "it is not a host name or address").with_help(help));
        }
        if let Some(user) = &config.user {
            check_word("/user", user, &mut wrong);
        }
        let jump = match config.jump {
            JumpConfig::One(hosts) => hosts.split(',').map(str::to_owned).collect(),
            JumpConfig::Several(hosts) => hosts,
        };
        jump.iter().for_each(|host| check_word("/jump", host, &mut wrong));
        for (pointer, number) in [("/port", config.port), ("/connect_timeout", Some(config.connect_timeout))] {
            if number == Some(0) {
                wrong.push(SpecError::new(pointer, "it must be from 1 to 65535"));
            }
        }
        let target = Self {
            host: config.host,
            user: config.user,
            port: config.port,
            identity_file: parse_path("/identity_file", config.identity_file, &mut wrong),
            known_hosts: parse_path("/known_hosts", config.known_hosts, &mut wrong),
            jump,
            sudo: Sudo::parse(config.sudo, &mut wrong),
            connect_timeout: Duration::from_secs(config.connect_timeout.into()),
            config_file: parse_path("/config_file", config.config_file, &mut wrong),
            keep_agent: config.keep_agent,
        };
        if wrong.is_empty() { Ok(target) } else { Err(wrong) }
    }

    /// The host as files of known hosts name it.
    pub(super) fn known_name(&self) -> String {
        match self.port {
            None | Some(22) => self.host.clone(),
            Some(port) => format!("[{}]:{port}", self.host),
        }
    }
}

impl Sudo {
    fn parse(config: SudoConfig, wrong: &mut Vec<SpecError>) -> Self {
        match config {
            SudoConfig::Whether(false) => Self::No,
            SudoConfig::Whether(true) => Self::Silent,
            SudoConfig::Password(sudo) => {
                if sudo.password.expose().contains(['\n', '\r', '\0']) {
                    wrong.push(SpecError::new("/sudo/password", "it cannot contain a line break or a NUL byte"));
                }
                Self::Password(sudo.password)
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.known_name())
    }
}

/// A word that ssh does not take for an option, and that is not special to a shell.
fn check_word(pointer: &str, word: &str, wrong: &mut Vec<SpecError>) {
    let what = if word.is_empty() {
        "it is empty".to_owned()
    } else if word.starts_with('-') {
        "it begins with a dash, which ssh would take for an option".to_owned()
    } else if let Some(odd) = word.chars().find(|&c| c.is_whitespace() || c.is_control() || SHELL.contains(&c)) {
        format!("it contains {odd:?}")
    } else {
        return;
    };
    wrong.push(SpecError::new(pointer, what));
}

/// An absolute path, or one that begins with `~`, which ssh expands.
fn parse_path(pointer: &str, path: Option<PathBuf>, wrong: &mut Vec<SpecError>) -> Option<PathBuf> {
    let path = path?;
    let odd = path.to_str().map(|text| text.chars().find(|&c| c.is_control() || PATTERN.contains(&c)));
    match odd {
        None => wrong.push(SpecError::new(pointer, "it is not UTF-8")),
        Some(Some(odd)) => wrong.push(SpecError::new(pointer, format!("it contains {odd:?}, which ssh would expand"))),
        Some(None) if path.as_os_str().is_empty() => wrong.push(SpecError::new(pointer, "it is empty")),
        Some(None) => {}
    }
    if path.starts_with("~") { Some(path) } else { std::path::absolute(&path).map_or(Some(path), Some) }
}

/// A path as a word of ssh's configuration, where `%` begins a token.
pub(super) fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(spec: serde_json::Value) -> Vec<String> {
        let config = serde_json::from_value(spec).unwrap();
        Target::parse(config).unwrap_err().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn words_that_ssh_or_a_shell_would_misread_are_refused() {
        for host in ["", "-oProxyCommand=x", "a b", "a\nb", "$(id)", "a;b", "me@host", "ssh://host"] {
            assert_eq!(wrong(serde_json::json!({ "host": host }))[0], "/host", "{host:?}");
        }
        let spec = serde_json::json!({ "host": "h", "user": "-l", "port": 0, "jump": "a,-b", "connect_timeout": 0 });
        assert_eq!(wrong(spec), ["/user", "/jump", "/port", "/connect_timeout"]);
    }

    #[test]
    fn paths_that_ssh_would_expand_are_refused() {
        for path in ["", "/a/*.pub", "/a/${HOME}", "/a\"b", "/a\nb"] {
            assert_eq!(wrong(serde_json::json!({ "host": "h", "known_hosts": path })), ["/known_hosts"], "{path:?}");
        }
    }

    #[test]
    fn a_password_of_two_lines_is_refused() {
        let spec = serde_json::json!({ "host": "h", "sudo": { "password": "a\nid" } });
        assert_eq!(wrong(spec), ["/sudo/password"]);
    }

    #[test]
    fn a_target_names_itself() {
        let spec = serde_json::json!({ "host": "::1", "user": "me", "port": 2222, "jump": "a,b@c:22" });
        let target = Target::parse(serde_json::from_value(spec).unwrap()).unwrap();
        assert_eq!(target.to_string(), "me@[::1]:2222");
        assert_eq!(target.jump, ["a", "b@c:22"]);
    }
}

//! What an entry of `accesses` says about a Backup Repository server.

use std::path::PathBuf;

use bahub_core::registry::{SinkContext, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Repository;
use super::api::{Api, Patience};
use super::session::{Credentials, Sessions};
use crate::timeouts::seconds;

pub(super) const EXAMPLE: &str = "\
# The server, without /api.
url: https://backups.example.org
# A token that may upload to the collection, or ...
token: ${BACKUP_REPOSITORY_TOKEN}
# ... a login; each run then gets a token for its collection alone, which is revoked at the end.
# username: backups$key-of-this-host
# password: ${file:/run/secrets/backup-repository}
# The certificates (PEM) of a private CA, trusted in addition to the system's and the usual ones.
# ca_file: ./our-ca.pem
# Fail if the transfer makes no progress for this many seconds.
stall_timeout: 60
# Fail if the server does not answer within this many seconds after the last byte.
answer_timeout: 180
";

/// A Backup Repository server, and how to log in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RepositoryConfig {
    /// The server's URL, without `/api`; `https://`, except for a server on this host or behind a tunnel.
    pub url: String,
    /// A token (JWT) that may upload to or download from the collection. Either this, or `username` and `password`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// The user to log in as; `user$key` uses one of the user's access keys.
    #[serde(default)]
    pub username: Option<String>,
    /// The user's password, or the access key's.
    #[serde(default)]
    pub password: Option<Secret>,
    /// A file of certificates (PEM) to trust in addition to the usual ones; a relative path is resolved from the
    /// configuration's folder.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long a transfer may make no progress before it fails, in seconds.
    #[serde(default = "stall_timeout")]
    #[schemars(range(min = 0.01))]
    pub stall_timeout: f64,
    /// How long the server may take to answer after the last byte, in seconds. It waits 2 seconds by itself, and its
    /// storage may take longer.
    #[serde(default = "answer_timeout")]
    #[schemars(range(min = 0.01))]
    pub answer_timeout: f64,
}

fn stall_timeout() -> f64 {
    60.0
}

fn answer_timeout() -> f64 {
    180.0
}

impl RepositoryConfig {
    /// A server at this URL, without a token or a login; the rest has its defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            username: None,
            password: None,
            ca_file: None,
            stall_timeout: stall_timeout(),
            answer_timeout: answer_timeout(),
        }
    }

    pub(super) fn build(self, context: &SinkContext) -> Result<Repository, Vec<SpecError>> {
        let mut errors = Vec::new();
        let mut keep = |error: SpecError| errors.push(error);
        let url = base(&self.url).map_err(&mut keep).ok();
        let credentials = credentials(self.token, self.username, self.password).map_err(&mut keep).ok();
        let ca = self.ca_file.map(|file| context.folder.join(file));
        let ca = ca.map(|file| {
            std::fs::read_to_string(&file)
                .map_err(|error| SpecError::new("/ca_file", format!("cannot read {}: {error}", file.display())))
        });
        let ca = ca.transpose().map_err(&mut keep).ok().flatten();
        let stall = seconds("/stall_timeout", self.stall_timeout).map_err(&mut keep).ok();
        let answer = seconds("/answer_timeout", self.answer_timeout).map_err(&mut keep).ok();
        if context.collection.is_empty() || matches!(&*context.collection, "." | "..") {
            keep(SpecError::new("", format!("{:?} is not a valid collection id", context.collection)));
        }
        let (Some(url), Some(credentials), Some(stall), Some(answer), []) =
            (url, credentials, stall, answer, errors.as_slice())
        else {
            return Err(errors);
        };
        match Api::new(url, &context.collection, Patience { stall, answer }, ca) {
            Ok(api) => Ok(Repository { api, sessions: Sessions::new(credentials) }),
            Err(error) => Err(vec![SpecError::new("/ca_file", error.chain())]),
        }
    }
}

/// A URL that paths can be added to.
pub(super) fn base(text: &str) -> Result<Url, SpecError> {
    let wrong = |reason: String| SpecError::new("/url", reason).with_help("write https://host or https://host/path");
    let url = Url::parse(text).map_err(|error| wrong(format!("the url is invalid: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(format!("\"{}://\" is not an http:// or https:// URL with a host", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SpecError::new("/url", "the url contains a user or a password")
            .with_help("set username and password as separate fields"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("the url contains ? or #".to_owned()));
    }
    Ok(url)
}

fn credentials(
    token: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
) -> Result<Credentials, SpecError> {
    let token = token.filter(|token| !token.is_empty());
    match (token, username, password) {
        (Some(token), None, None) => Ok(Credentials::Token { token, session_id: None }),
        (None, Some(username), Some(password)) => Ok(Credentials::Login { username, password }),
        (Some(_), ..) => Err(SpecError::new("/token", "token cannot be combined with username or password")
            .with_help("keep either the token, or username and password")),
        (None, Some(_), None) => Err(SpecError::new("/username", "there is a username without a password")),
        (None, None, Some(_)) => Err(SpecError::new("/password", "there is a password without a username")),
        (None, None, None) => {
            Err(SpecError::new("", "there is no token").with_help("set token, or username and password"))
        }
    }
}

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
# The certificates (PEM) of your own authority, beside the system's and the usual ones.
# ca_file: ./our-ca.pem
# Give up where nothing moves for so many seconds.
stall_timeout: 60
# Give up where the server does not answer for so many seconds after the last byte.
answer_timeout: 180
";

/// A Backup Repository server, and how to be let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryConfig {
    /// The server's URL, without `/api`; `https://` but for a server on this host or behind a tunnel.
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
    /// A file of certificates in PEM to trust beside the usual ones; a relative path starts from the configuration's
    /// folder.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The seconds without any progress after which a transfer is given up.
    #[serde(default = "stall_timeout")]
    #[schemars(range(min = 0.01))]
    pub stall_timeout: f64,
    /// The seconds that the server may take to answer once it has everything. It waits 2 by itself, and its storage may
    /// take longer.
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
            keep(SpecError::new("", format!("{:?} is no collection's id", context.collection)));
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
    let url = Url::parse(text).map_err(|error| wrong(format!("the url is none: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(format!("\"{}://\" is no http:// or https:// URL with a host", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SpecError::new("/url", "the url holds a user or a password")
            .with_help("write username and password as fields of their own"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("the url holds ? or #".to_owned()));
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
        (Some(_), ..) => Err(SpecError::new("/token", "there is a token, and a username or password as well")
            .with_help("keep either the token, or username and password")),
        (None, Some(_), None) => Err(SpecError::new("/username", "there is a username without a password")),
        (None, None, Some(_)) => Err(SpecError::new("/password", "there is a password without a username")),
        (None, None, None) => {
            Err(SpecError::new("", "there is no token").with_help("set token, or username and password"))
        }
    }
}

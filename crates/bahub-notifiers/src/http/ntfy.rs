//! ntfy: <https://docs.ntfy.sh/publish/#publish-as-json>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::cut_bytes;

/// A longer message becomes an attachment.
const MAX_MESSAGE: usize = 4000;
/// Of five: a failure is "high", the rest "default".
const HIGH: u8 = 4;
const DEFAULT: u8 = 3;

/// A topic of an ntfy server.
#[derive(Debug)]
pub(crate) struct Ntfy {
    endpoint: Endpoint,
    topic: String,
    login: Option<Login>,
    priority: Option<u8>,
}

#[derive(Debug)]
enum Login {
    Token(Secret),
    Password(String, Secret),
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NtfyConfig {
    /// The server and the topic, for example `https://ntfy.sh/our-backups-7f3a`.
    url: Secret,
    /// An access token.
    token: Option<Secret>,
    /// A user, where there is no token.
    user: Option<String>,
    /// The user's password.
    password: Option<Secret>,
    /// 1 to 5; by default 4 for what is bad and 3 for the rest.
    #[schemars(range(min = 1, max = 5))]
    priority: Option<u8>,
}

impl Component for Ntfy {
    const TYPE: &'static str = "bahub.notifiers.ntfy";
    const ALIASES: &'static [&'static str] = &["ntfy"];
    const SUMMARY: &'static str = "A topic of an ntfy server: phones and desktops";
    const EXAMPLE: &'static str = "\
# The server and the topic: whoever knows it can read and write.
url: https://ntfy.example.org/backups
# An access token, or `user` and `password`, where the server wants them.
# token: ${NTFY_TOKEN}
# 1 to 5; by default 4 for what is bad and 3 for the rest.
# priority: 5
";
    type Config = NtfyConfig;
    type Context = ();

    fn from_config(config: NtfyConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let NtfyConfig { url, token, user, password, priority } = config;
        let address = url.expose().trim_end_matches('/');
        let (server, topic) = address.rsplit_once('/').unwrap_or((address, ""));
        if server.ends_with('/') || topic.is_empty() {
            let error = SpecError::new("/url", "\"url\" has no topic");
            return Err(vec![error.with_help("write the server and the topic: https://ntfy.sh/TOPIC")]);
        }
        let login = match (token, user, password) {
            (None, None, None) => None,
            (Some(token), None, None) => Some(Login::Token(token)),
            (None, Some(user), Some(password)) => Some(Login::Password(user, password)),
            _ => {
                let error = SpecError::new("", "a login is either \"token\", or \"user\" and \"password\"");
                return Err(vec![error]);
            }
        };
        let endpoint = Endpoint::new(&Secret::new(server))?;
        endpoint.hide(&Secret::new(topic));
        match &login {
            Some(Login::Token(secret) | Login::Password(_, secret)) => endpoint.hide(secret),
            None => {}
        }
        Ok(Self { endpoint, topic: topic.to_owned(), login, priority })
    }
}

#[async_trait]
impl Notifier for Ntfy {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let priority = self.priority.unwrap_or(if notification.is_bad() { HIGH } else { DEFAULT });
        let tag = match notification.occasion {
            _ if notification.is_bad() => "rotating_light",
            Occasion::Warning => "warning",
            Occasion::Start => "hourglass_flowing_sand",
            _ => "white_check_mark",
        };
        let message = json!({
            "topic": self.topic,
            "title": notification.title,
            "message": cut_bytes(&notification.body, MAX_MESSAGE),
            "priority": priority,
            "tags": [tag],
        });
        let request = self.endpoint.post(self.endpoint.url().clone()).json(&message);
        let request = match &self.login {
            None => request,
            Some(Login::Token(token)) => request.bearer_auth(token.expose()),
            Some(Login::Password(user, password)) => request.basic_auth(user, Some(password.expose())),
        };
        self.endpoint.send(request).await.map(drop)
    }
}

//! Gotify: <https://gotify.net/docs/pushmsg>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;

/// Above 7 a phone rings, from 4 on it shows the message.
const HIGH: u8 = 8;
const DEFAULT: u8 = 4;

/// An application of a Gotify server.
#[derive(Debug)]
pub(crate) struct Gotify {
    endpoint: Endpoint,
    token: Secret,
    priority: Option<u8>,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GotifyConfig {
    /// The server.
    url: Secret,
    /// The token of the application.
    token: Secret,
    /// 0 to 10; by default 8 for what is bad and 4 for the rest.
    #[schemars(range(max = 10))]
    priority: Option<u8>,
}

impl Component for Gotify {
    const TYPE: &'static str = "bahub.notifiers.gotify";
    const ALIASES: &'static [&'static str] = &["gotify"];
    const SUMMARY: &'static str = "An application of a Gotify server: phones and desktops";
    const EXAMPLE: &'static str =
        "# The server.\nurl: https://gotify.example.org\n# The token of the application.\ntoken: ${GOTIFY_TOKEN}\n";
    type Config = GotifyConfig;
    type Context = ();

    fn from_config(config: GotifyConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let endpoint = Endpoint::new(&config.url)?;
        endpoint.hide(&config.token);
        Ok(Self { endpoint, token: config.token, priority: config.priority })
    }
}

#[async_trait]
impl Notifier for Gotify {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let priority = self.priority.unwrap_or(if notification.is_bad() { HIGH } else { DEFAULT });
        let message = json!({ "title": notification.title, "message": notification.body, "priority": priority });
        let request = self.endpoint.post(self.endpoint.below(&["message"])).json(&message);
        self.endpoint.send(request.header("X-Gotify-Key", self.token.expose())).await.map(drop)
    }
}

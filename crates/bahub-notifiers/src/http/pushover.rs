//! Pushover: <https://pushover.net/api>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::cut;

/// More characters are refused.
const MAX_TITLE: usize = 250;
const MAX_MESSAGE: usize = 1024;

/// A user of Pushover.
#[derive(Debug)]
pub(crate) struct Pushover {
    endpoint: Endpoint,
    token: Secret,
    user: Secret,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushoverConfig {
    /// The token of the application.
    token: Secret,
    /// The key of the user or group.
    user: Secret,
    /// Another address than `https://api.pushover.net`.
    url: Option<Secret>,
}

impl Component for Pushover {
    const TYPE: &'static str = "bahub.notifiers.pushover";
    const ALIASES: &'static [&'static str] = &["pushover"];
    const SUMMARY: &'static str = "A user or group of Pushover: phones";
    const EXAMPLE: &'static str = "# The token of the application.\ntoken: ${PUSHOVER_TOKEN}\n# The key of the user or group.\nuser: ${PUSHOVER_USER}\n";
    type Config = PushoverConfig;
    type Context = ();

    fn from_config(config: PushoverConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let url = config.url.unwrap_or_else(|| Secret::new("https://api.pushover.net"));
        let endpoint = Endpoint::new(&url)?;
        endpoint.hide(&config.token);
        endpoint.hide(&config.user);
        Ok(Self { endpoint, token: config.token, user: config.user })
    }
}

#[async_trait]
impl Notifier for Pushover {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let message = json!({
            "token": self.token.expose(),
            "user": self.user.expose(),
            "title": cut(&notification.title, MAX_TITLE),
            "message": cut(&notification.body, MAX_MESSAGE),
            "priority": i32::from(notification.is_bad()),
            "timestamp": notification.time.as_second(),
        });
        let url = self.endpoint.below(&["1", "messages.json"]);
        self.endpoint.send(self.endpoint.post(url).json(&message)).await.map(drop)
    }
}

//! Discord's web hooks: <https://docs.discord.com/developers/resources/webhook#execute-webhook>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::{both, cut};

/// A message of more characters is refused.
const MAX_CONTENT: usize = 2000;

/// A channel of Discord.
#[derive(Debug)]
pub(crate) struct Discord(Endpoint);

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiscordConfig {
    /// The address of the web hook.
    url: Secret,
}

impl Component for Discord {
    const TYPE: &'static str = "bahub.notifiers.discord";
    const ALIASES: &'static [&'static str] = &["discord"];
    const SUMMARY: &'static str = "A channel of Discord, by a web hook";
    const EXAMPLE: &'static str = "# The address of the web hook.\nurl: ${DISCORD_URL}\n";
    type Config = DiscordConfig;
    type Context = ();

    fn from_config(config: DiscordConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Endpoint::new(&config.url).map(Self)
    }
}

#[async_trait]
impl Notifier for Discord {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let content = cut(&both(notification), MAX_CONTENT);
        // Nobody is mentioned, whatever a program wrote.
        let message = json!({ "content": content, "allowed_mentions": { "parse": [] } });
        self.0.send(self.0.post(self.0.url().clone()).json(&message)).await.map(drop)
    }
}

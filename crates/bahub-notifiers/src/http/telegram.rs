//! Telegram: <https://core.telegram.org/bots/api#sendmessage>

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
const MAX_TEXT: usize = 4096;

/// A chat of Telegram.
#[derive(Debug)]
pub(crate) struct Telegram {
    endpoint: Endpoint,
    token: Secret,
    chat: String,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelegramConfig {
    /// The token of the bot.
    token: Secret,
    /// The chat: a number, or the @name of a channel.
    #[schemars(length(min = 1))]
    chat: String,
    /// Another server than `https://api.telegram.org`.
    url: Option<Secret>,
}

impl Component for Telegram {
    const TYPE: &'static str = "bahub.notifiers.telegram";
    const ALIASES: &'static [&'static str] = &["telegram"];
    const SUMMARY: &'static str = "A chat of Telegram, by a bot";
    const EXAMPLE: &'static str = "\
# The token of the bot.
token: ${TELEGRAM_TOKEN}
# The chat: a number, or the @name of a channel.
chat: \"-1001234567890\"
";
    type Config = TelegramConfig;
    type Context = ();

    fn from_config(config: TelegramConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let url = config.url.unwrap_or_else(|| Secret::new("https://api.telegram.org"));
        let endpoint = Endpoint::new(&url)?;
        endpoint.hide(&config.token);
        Ok(Self { endpoint, token: config.token, chat: config.chat })
    }
}

#[async_trait]
impl Notifier for Telegram {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let url = self.endpoint.below(&[&format!("bot{}", self.token.expose()), "sendMessage"]);
        let message = json!({ "chat_id": self.chat, "text": cut(&both(notification), MAX_TEXT) });
        self.endpoint.send(self.endpoint.post(url).json(&message)).await.map(drop)
    }
}

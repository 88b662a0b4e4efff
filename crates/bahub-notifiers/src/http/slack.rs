//! Slack's incoming web hooks: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::{both, cut};

/// A text of more characters is refused.
const MAX_TEXT: usize = 39_000;

/// A channel of Slack.
#[derive(Debug)]
pub(crate) struct Slack(Endpoint);

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlackConfig {
    /// The address of the incoming web hook.
    url: Secret,
}

impl Component for Slack {
    const TYPE: &'static str = "bahub.notifiers.slack";
    const ALIASES: &'static [&'static str] = &["slack"];
    const SUMMARY: &'static str = "A channel of Slack, by an incoming web hook";
    const EXAMPLE: &'static str = "# The address of the incoming web hook.\nurl: ${SLACK_URL}\n";
    type Config = SlackConfig;
    type Context = ();

    fn from_config(config: SlackConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Endpoint::new(&config.url).map(Self)
    }
}

#[async_trait]
impl Notifier for Slack {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let text = escaped(&cut(&both(notification), MAX_TEXT));
        let request = self.0.post(self.0.url().clone()).json(&json!({ "text": text }));
        self.0.send(request).await.map(drop)
    }
}

/// The three characters that mean something to Slack; `<!channel>` in a program's words must call nobody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

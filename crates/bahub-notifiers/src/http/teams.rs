//! Microsoft Teams, by a workflow that posts an adaptive card when a web hook is called.

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::cut_bytes;

/// A card of more than 28 KB is refused; half of that is left to escapes.
const MAX_TEXT: usize = 14_000;

/// A channel of Teams.
#[derive(Debug)]
pub(crate) struct Teams(Endpoint);

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamsConfig {
    /// The address of the workflow's web hook.
    url: Secret,
}

impl Component for Teams {
    const TYPE: &'static str = "bahub.notifiers.teams";
    const ALIASES: &'static [&'static str] = &["teams"];
    const SUMMARY: &'static str = "A channel of Microsoft Teams, by a workflow";
    const EXAMPLE: &'static str =
        "# The address of the workflow \"Post to a channel when a webhook request is received\".\nurl: ${TEAMS_URL}\n";
    type Config = TeamsConfig;
    type Context = ();

    fn from_config(config: TeamsConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Endpoint::new(&config.url).map(Self)
    }
}

#[async_trait]
impl Notifier for Teams {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let color = if notification.is_bad() { "Attention" } else { "Good" };
        // A line break counts in the text of a card only if there are two.
        let text = cut_bytes(&notification.body, MAX_TEXT).replace('\n', "\n\n");
        let card = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        { "type": "TextBlock", "size": "Medium", "weight": "Bolder", "color": color, "wrap": true, "text": notification.title },
                        { "type": "TextBlock", "wrap": true, "text": text },
                    ],
                },
            }],
        });
        self.0.send(self.0.post(self.0.url().clone()).json(&card)).await.map(drop)
    }
}

//! Mattermost's incoming web hooks: <https://developers.mattermost.com/integrate/webhooks/incoming/>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::{both, cut, without_mentions};

/// A post of more characters is refused.
const MAX_TEXT: usize = 16_000;

/// A channel of Mattermost.
#[derive(Debug)]
pub(crate) struct Mattermost(Endpoint);

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MattermostConfig {
    /// The address of the incoming web hook.
    url: Secret,
}

impl Component for Mattermost {
    const TYPE: &'static str = "bahub.notifiers.mattermost";
    const ALIASES: &'static [&'static str] = &["mattermost"];
    const SUMMARY: &'static str = "A channel of Mattermost, by an incoming web hook";
    const EXAMPLE: &'static str = "# The address of the incoming web hook.\nurl: ${MATTERMOST_URL}\n";
    type Config = MattermostConfig;
    type Context = ();

    fn from_config(config: MattermostConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Endpoint::new(&config.url).map(Self)
    }
}

#[async_trait]
impl Notifier for Mattermost {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let text = without_mentions(&cut(&both(notification), MAX_TEXT));
        let request = self.0.post(self.0.url().clone()).json(&json!({ "text": text }));
        self.0.send(request).await.map(drop)
    }
}

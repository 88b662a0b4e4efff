//! PagerDuty's Events API v2: <https://developer.pagerduty.com/docs/send-alert-event>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::cut;

/// A summary of more characters is refused.
const MAX_SUMMARY: usize = 1024;

/// A service of PagerDuty: an incident for each backup that fails, resolved by one that succeeds.
#[derive(Debug)]
pub(crate) struct PagerDuty {
    endpoint: Endpoint,
    routing_key: Secret,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PagerDutyConfig {
    /// The integration key of the service (Events API v2).
    routing_key: Secret,
    /// Another address than `https://events.pagerduty.com`, for example that of the EU.
    url: Option<Secret>,
}

impl Component for PagerDuty {
    const TYPE: &'static str = "bahub.notifiers.pagerduty";
    const ALIASES: &'static [&'static str] = &["pagerduty"];
    const SUMMARY: &'static str = "Incidents of PagerDuty, resolved when a backup succeeds again";
    const EXAMPLE: &'static str =
        "# The integration key of the service (Events API v2).\nrouting_key: ${PAGERDUTY_KEY}\n";
    type Config = PagerDutyConfig;
    type Context = ();

    fn from_config(config: PagerDutyConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let url = config.url.unwrap_or_else(|| Secret::new("https://events.pagerduty.com"));
        let endpoint = Endpoint::new(&url)?;
        endpoint.hide(&config.routing_key);
        Ok(Self { endpoint, routing_key: config.routing_key })
    }
}

#[async_trait]
impl Notifier for PagerDuty {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let (backup, host) = (notification.backup.as_deref().unwrap_or("configuration"), &notification.host);
        // What fails and what makes up for it have the same key.
        let (action, severity) = match notification.occasion {
            _ if notification.is_bad() => ("trigger", "error"),
            Occasion::Warning => ("trigger", "warning"),
            Occasion::Success | Occasion::Recovered | Occasion::Drill => ("resolve", "info"),
            _ => return Ok(()),
        };
        let event = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action,
            "dedup_key": format!("bahub/{host}/{backup}/{}", notification.operation),
            "payload": {
                "summary": cut(&notification.title, MAX_SUMMARY),
                "source": host,
                "severity": severity,
                "timestamp": notification.time.to_string(),
                "custom_details": { "text": notification.body },
            },
        });
        let url = self.endpoint.below(&["v2", "enqueue"]);
        self.endpoint.send(self.endpoint.post(url).json(&event)).await.map(drop)
    }

    fn default_occasions(&self) -> &'static [Occasion] {
        &[Occasion::Failure, Occasion::Overdue, Occasion::Recovered, Occasion::Success, Occasion::Drill]
    }
}

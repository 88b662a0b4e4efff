//! Uptime Kuma's push monitors.

use async_trait::async_trait;
use bahub_core::event::Operation;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use reqwest::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Endpoint;
use super::text::cut;

/// Characters of a message in an address.
const MAX_MESSAGE: usize = 250;

/// A push monitor.
#[derive(Debug)]
pub(crate) struct UptimeKuma(Endpoint);

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UptimeKumaConfig {
    /// The monitor's push URL; what stands behind its `?` is replaced.
    url: Secret,
}

impl Component for UptimeKuma {
    const TYPE: &'static str = "bahub.notifiers.uptime_kuma";
    const ALIASES: &'static [&'static str] = &["uptime_kuma"];
    const SUMMARY: &'static str = "A push monitor of Uptime Kuma: up when a backup was made";
    const EXAMPLE: &'static str = "\
# The monitor's push URL. One monitor for one backup: list it in `backups`.
url: https://kuma.example.org/api/push/${KUMA_TOKEN}
";
    type Config = UptimeKumaConfig;
    type Context = ();

    fn from_config(config: UptimeKumaConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Endpoint::new(&config.url).map(Self)
    }
}

#[async_trait]
impl Notifier for UptimeKuma {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let status = match notification.operation {
            _ if notification.is_bad() => "down",
            Operation::Backup if notification.occasion != Occasion::Start => "up",
            // What worked, and is no backup that was made.
            _ => return Ok(()),
        };
        let mut url = self.0.url().clone();
        url.query_pairs_mut()
            .clear()
            .append_pair("status", status)
            .append_pair("msg", &cut(&notification.title, MAX_MESSAGE));
        if let Some(record) = &notification.record {
            let milliseconds = format!("{:.0}", record.report.seconds * 1000.0);
            url.query_pairs_mut().append_pair("ping", &milliseconds);
        }
        self.0.send(self.0.request(Method::GET, url)).await.map(drop)
    }

    fn default_occasions(&self) -> &'static [Occasion] {
        &[Occasion::Success, Occasion::Warning, Occasion::Recovered, Occasion::Failure]
    }
}

//! An Apprise API server, which passes on to more than a hundred services: <https://github.com/caronc/apprise-api>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use reqwest::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;

/// An Apprise API server.
#[derive(Debug)]
pub(crate) struct Apprise {
    endpoint: Endpoint,
    urls: Option<Secret>,
    tag: Option<String>,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppriseConfig {
    /// The address to notify by: `http://apprise:8000/notify/KEY`, or without a key where `urls` are given.
    url: Secret,
    /// Apprise URLs of services, separated by commas; by default what is stored below the key.
    urls: Option<Secret>,
    /// Only the stored services with this tag.
    tag: Option<String>,
}

impl Component for Apprise {
    const TYPE: &'static str = "bahub.notifiers.apprise";
    const ALIASES: &'static [&'static str] = &["apprise"];
    const SUMMARY: &'static str = "An Apprise API server, which passes on to more than a hundred services";
    const EXAMPLE: &'static str = "\
# The address to notify by, with the key of a stored configuration.
url: http://apprise:8000/notify/backups
# Only the stored services with this tag.
# tag: admins
";
    type Config = AppriseConfig;
    type Context = ();

    fn from_config(config: AppriseConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let endpoint = Endpoint::new(&config.url)?;
        config.urls.iter().for_each(|urls| endpoint.hide(urls));
        Ok(Self { endpoint, urls: config.urls, tag: config.tag })
    }
}

#[async_trait]
impl Notifier for Apprise {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let kind = match notification.occasion {
            _ if notification.is_bad() => "failure",
            Occasion::Warning => "warning",
            Occasion::Start => "info",
            _ => "success",
        };
        let mut message = json!({ "title": notification.title, "body": notification.body, "type": kind });
        if let Some(urls) = &self.urls {
            message["urls"] = urls.expose().into();
        }
        if let Some(tag) = &self.tag {
            message["tag"] = tag.as_str().into();
        }
        let answer = self.endpoint.send(self.endpoint.post(self.endpoint.url().clone()).json(&message)).await?;
        match answer.status {
            StatusCode::NO_CONTENT => {
                Err(self.endpoint.ignored("no service is stored under this key, or none has this tag"))
            }
            _ => Ok(()),
        }
    }
}

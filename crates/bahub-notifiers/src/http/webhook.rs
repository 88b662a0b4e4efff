//! A web hook of one's own: the notification as JSON, signed where there is a secret.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bahub_core::hex;
use bahub_core::notifier::{Notification, Notifier, NotifyError, NotifyErrorKind};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;

use super::Endpoint;

/// Holds `sha256=` and the HMAC-SHA256 of the body, in hexadecimal.
const SIGNATURE: &str = "X-Bahub-Signature";

/// A web hook.
#[derive(Debug)]
pub(crate) struct Webhook {
    endpoint: Endpoint,
    secret: Option<Secret>,
    headers: HeaderMap,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookConfig {
    /// The address that is posted to.
    url: Secret,
    /// The key of the signature in the header `X-Bahub-Signature`: `sha256=` and the HMAC-SHA256 of the body.
    secret: Option<Secret>,
    /// More headers, for example `Authorization`.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

impl Component for Webhook {
    const TYPE: &'static str = "bahub.notifiers.webhook";
    const ALIASES: &'static [&'static str] = &["webhook"];
    const SUMMARY: &'static str = "A web hook: the notification as JSON, signed by HMAC";
    const EXAMPLE: &'static str = "\
# The address that is posted to.
url: https://monitoring.example.org/hooks/backups
# Signs the body: X-Bahub-Signature: sha256=HMAC-SHA256 in hexadecimal.
# secret: ${HOOK_SECRET}
# More headers.
# headers: { Authorization: \"Bearer ${HOOK_TOKEN}\" }
";
    type Config = WebhookConfig;
    type Context = ();

    fn from_config(config: WebhookConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let endpoint = Endpoint::new(&config.url)?;
        config.secret.iter().chain(config.headers.values()).for_each(|secret| endpoint.hide(secret));
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let at = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
            let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value.expose()).ok());
            let Some((parsed, mut value)) = parsed else {
                return Err(vec![SpecError::new(
                    at,
                    format!("\"{name}\" is no header, or its value has control characters"),
                )]);
            };
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        Ok(Self { endpoint, secret: config.secret, headers })
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let body = serde_json::to_vec(notification).map_err(|error| {
            NotifyError::new(NotifyErrorKind::Refused, "it cannot be written as JSON").with_source(error)
        })?;
        let mut request = self.endpoint.post(self.endpoint.url().clone());
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, format!("sha256={}", signature(secret, &body)));
        }
        let request = request.header(CONTENT_TYPE, "application/json").headers(self.headers.clone()).body(body);
        self.endpoint.send(request).await.map(drop)
    }
}

/// The HMAC-SHA256 (RFC 2104) of the body, in hexadecimal.
fn signature(secret: &Secret, body: &[u8]) -> String {
    // It takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return String::new() };
    mac.update(body);
    hex::encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_the_hmac_of_the_body() {
        let signed = signature(&Secret::new("Jefe"), b"what do ya want for nothing?");
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}

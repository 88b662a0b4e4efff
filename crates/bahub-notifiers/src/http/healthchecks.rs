//! healthchecks.io and its like: <https://healthchecks.io/docs/http_api/>

use async_trait::async_trait;
use bahub_core::event::Operation;
use bahub_core::hex;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Endpoint;
use super::text::{both, cut_bytes};

/// What is longer is cut by the service.
const MAX_BODY: usize = 100_000;
/// Stands for the backup's name in an address.
const NAME: &str = "{backup}";

/// A check, or one for each backup.
#[derive(Debug)]
pub(crate) struct Healthchecks {
    /// Knows the whole address; for messages.
    endpoint: Endpoint,
    url: Secret,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthchecksConfig {
    /// The check's ping URL; `{backup}` in it stands for the backup's name, so that each has a check of its own.
    url: Secret,
}

impl Component for Healthchecks {
    const TYPE: &'static str = "bahub.notifiers.healthchecks";
    const ALIASES: &'static [&'static str] = &["healthchecks"];
    const SUMMARY: &'static str = "A check of healthchecks.io: pinged at start, success and failure";
    const EXAMPLE: &'static str = "\
# The check's ping URL. With {backup} each backup has a check of its own: by the project's ping key and a slug.
url: https://hc-ping.com/${PING_KEY}/{backup}
";
    type Config = HealthchecksConfig;
    type Context = ();

    fn from_config(config: HealthchecksConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Ok(Self { endpoint: Endpoint::new(&config.url)?, url: config.url })
    }
}

#[async_trait]
impl Notifier for Healthchecks {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let signal = match (notification.occasion, notification.operation) {
            (Occasion::Overdue, _) => return Ok(()),
            _ if notification.is_bad() => Some("fail"),
            (Occasion::Start, Operation::Backup) => Some("start"),
            (Occasion::Start, _) => return Ok(()),
            (_, Operation::Backup) => None,
            // A restore that worked is no backup that was made.
            _ => Some("log"),
        };
        let Some(address) = self.address(notification) else { return Ok(()) };
        let mut url = address;
        if let (Some(signal), Ok(mut path)) = (signal, url.path_segments_mut()) {
            path.pop_if_empty().push(signal);
        }
        if let Some(run) = as_uuid(&notification.run) {
            url.query_pairs_mut().append_pair("rid", &run);
        }
        let request = self.endpoint.post(url).body(cut_bytes(&both(notification), MAX_BODY));
        // It answers 200 also where there is no such check, and where it counts no ping.
        let answer = self.endpoint.send(request).await?;
        let refused = answer.text.strip_prefix("OK (").and_then(|why| why.strip_suffix(')'));
        refused.map_or(Ok(()), |why| Err(self.endpoint.ignored(why)))
    }

    fn default_occasions(&self) -> &'static [Occasion] {
        &[
            Occasion::Start,
            Occasion::Success,
            Occasion::Warning,
            Occasion::Recovered,
            Occasion::Failure,
            Occasion::Drill,
        ]
    }
}

impl Healthchecks {
    /// The address for this backup; none where it names a backup and there is none.
    fn address(&self, notification: &Notification) -> Option<url::Url> {
        let text = self.url.expose();
        if !text.contains(NAME) {
            return Some(self.endpoint.url().clone());
        }
        text.replace(NAME, &slug(notification.backup.as_deref()?)).parse().ok()
    }
}

/// Lower-case letters, digits, hyphens and underscores. A name that has something else ends with a part of its hash, so that
/// two names never share a check.
fn slug(name: &str) -> String {
    let is_plain = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '_');
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    let plain = |character: char| if is_plain(character) { character } else { '-' };
    let plain: String = name.to_lowercase().chars().map(plain).collect();
    let hash = hex::encode(&Sha256::digest(name.as_bytes())[..4]);
    format!("{}-{hash}", plain.trim_matches('-'))
}

/// A run's id in the form of a UUID, by which the service joins a start and its end.
fn as_uuid(run: &str) -> Option<String> {
    let is_id = run.len() == 32 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| format!("{}-{}-{}-{}-{}", &run[..8], &run[8..12], &run[12..16], &run[16..20], &run[20..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_id_has_the_form_of_a_uuid() {
        let uuid = as_uuid("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(uuid, "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(as_uuid(""), None);
        assert_eq!(slug("my-db_1"), "my-db_1");
        let slugs = ["My DB/1", "my db 1", "база", "архи"].map(slug);
        assert!(slugs[0].starts_with("my-db-1-") && slugs[0] != slugs[1] && slugs[2] != slugs[3], "{slugs:?}");
    }
}

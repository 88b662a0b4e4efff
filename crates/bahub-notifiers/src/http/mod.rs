//! Those who are told by HTTP.

mod apprise;
mod discord;
mod endpoint;
mod gotify;
mod healthchecks;
mod matrix;
mod mattermost;
mod ntfy;
mod pagerduty;
mod pushover;
mod slack;
mod teams;
mod telegram;
mod text;
mod uptime_kuma;
mod webhook;

use bahub_core::registry::RegistryBuilder;

use endpoint::Endpoint;

/// Registers all of them.
pub(crate) fn register(builder: &mut RegistryBuilder) {
    builder
        .notifier::<apprise::Apprise>()
        .notifier::<discord::Discord>()
        .notifier::<gotify::Gotify>()
        .notifier::<healthchecks::Healthchecks>()
        .notifier::<mattermost::Mattermost>()
        .notifier::<matrix::Matrix>()
        .notifier::<ntfy::Ntfy>()
        .notifier::<pagerduty::PagerDuty>()
        .notifier::<pushover::Pushover>()
        .notifier::<slack::Slack>()
        .notifier::<teams::Teams>()
        .notifier::<telegram::Telegram>()
        .notifier::<uptime_kuma::UptimeKuma>()
        .notifier::<webhook::Webhook>();
}

//! `none`: an entry that tells nobody, for a configuration that has one to be switched off.

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, Occasion};
use bahub_core::registry::{Component, SpecError};
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends nothing.
#[derive(Debug)]
pub(crate) struct Silent;

/// Its `spec`: an address is accepted and not used.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilentConfig {
    /// Not used.
    #[expect(dead_code, reason = "an entry that is switched off keeps its address")]
    url: Option<String>,
}

impl Component for Silent {
    const TYPE: &'static str = "bahub.notifiers.none";
    const ALIASES: &'static [&'static str] = &["none", "nothing", "void"];
    const SUMMARY: &'static str = "Nothing is sent: disables an entry";
    const EXAMPLE: &'static str = "# Nothing to set.\n{}\n";
    type Config = SilentConfig;
    type Context = ();

    fn from_config(_: SilentConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Ok(Self)
    }
}

#[async_trait]
impl Notifier for Silent {
    async fn send(&self, _: &Notification) -> Result<(), NotifyError> {
        Ok(())
    }

    fn default_occasions(&self) -> &'static [Occasion] {
        &[]
    }
}

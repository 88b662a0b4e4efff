//! A backup whose configuration was checked: everything that a run needs, and nothing that could still be wrong in
//! the file.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "retention")]
use jiff::tz::TimeZone;

use crate::adapter::Adapter;
use crate::compression::Compression;
use crate::keys::EncryptionSpec;
#[cfg(feature = "retention")]
use crate::retention::Retention;
use crate::secret::Scrubber;
use crate::sink::Sink;
use crate::transport::Transport;

/// One backup, ready to run. Its `Debug` shows no secret.
///
/// [`Configuration::plan`](crate::config::Configuration::plan) makes it of a configuration file, [`Plan::builder`] of parts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The backup's name.
    pub name: String,
    /// The adapter's type string, as registered.
    pub adapter_type: String,
    /// What is captured and put back.
    pub adapter: Arc<dyn Adapter>,
    /// The transport's name in the configuration.
    pub transport_name: String,
    /// Where commands run.
    pub transport: Arc<dyn Transport>,
    /// Where versions are kept.
    pub sink: Arc<dyn Sink>,
    /// Who it is encrypted for.
    pub encryption: EncryptionSpec,
    /// How it is made smaller.
    pub compression: Compression,
    /// Whether ciphertext goes through the controller; `None` chooses.
    pub relay: Option<bool>,
    /// The limit of a whole run; `None` for none.
    pub timeout: Option<Duration>,
    /// Which versions are kept; `None` keeps all.
    #[cfg(feature = "retention")]
    pub retention: Option<Retention>,
    /// The time zone whose days, weeks, ... the retention counts.
    #[cfg(feature = "retention")]
    pub time_zone: TimeZone,
    /// Commands before and after a backup, in order.
    #[cfg(feature = "hooks")]
    pub hooks: Vec<crate::hook::Hook>,
    /// Knows every secret of this backup's configuration.
    pub scrubber: Scrubber,
    /// Parts of the configuration that are accepted and not acted on yet, a sentence each.
    pub notices: Vec<String>,
}

impl Plan {
    /// Begins a plan of its required parts.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use bahub_core::adapter::Adapter;
    /// use bahub_core::keys::{EncryptionSpec, KeySource};
    /// use bahub_core::plan::Plan;
    /// use bahub_core::sink::Sink;
    /// use bahub_core::transport::Transport;
    ///
    /// fn plan(adapter: Arc<dyn Adapter>, transport: Arc<dyn Transport>, sink: Arc<dyn Sink>) -> Plan {
    ///     let encryption = EncryptionSpec::new("backup").with_public_key(KeySource::file("/etc/backup/public.asc"));
    ///     Plan::builder("shop", adapter, transport, sink, encryption)
    ///         .adapter_type("acme.adapters.git")
    ///         .timeout(Duration::from_secs(3600))
    ///         .build()
    /// }
    /// ```
    pub fn builder(
        name: impl Into<String>,
        adapter: Arc<dyn Adapter>,
        transport: Arc<dyn Transport>,
        sink: Arc<dyn Sink>,
        encryption: EncryptionSpec,
    ) -> PlanBuilder {
        PlanBuilder(Self {
            name: name.into(),
            adapter_type: "custom".into(),
            adapter,
            transport_name: "custom".into(),
            transport,
            sink,
            encryption,
            compression: Compression::default(),
            relay: None,
            timeout: None,
            #[cfg(feature = "retention")]
            retention: None,
            #[cfg(feature = "retention")]
            time_zone: TimeZone::system(),
            #[cfg(feature = "hooks")]
            hooks: Vec::new(),
            scrubber: Scrubber::default(),
            notices: Vec::new(),
        })
    }
}

/// A plan in the making: [`Plan::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct PlanBuilder(Plan);

impl PlanBuilder {
    /// Names the adapter in versions and messages; `custom` by default.
    pub fn adapter_type(mut self, name: impl Into<String>) -> Self {
        self.0.adapter_type = name.into();
        self
    }

    /// Names the transport in messages; `custom` by default.
    pub fn transport_name(mut self, name: impl Into<String>) -> Self {
        self.0.transport_name = name.into();
        self
    }

    /// Sets how it is made smaller; zstd by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.0.compression = compression;
        self
    }

    /// Has ciphertext go through the controller, or forbids that; by default the engine chooses.
    pub fn relay(mut self, relay: impl Into<Option<bool>>) -> Self {
        self.0.relay = relay.into();
        self
    }

    /// Limits a whole run; there is no limit by default.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.0.timeout = limit.into();
        self
    }

    /// Has versions removed after each commit that this does not keep; by default all are kept.
    #[cfg(feature = "retention")]
    pub fn retention(mut self, retention: impl Into<Option<Retention>>) -> Self {
        self.0.retention = retention.into();
        self
    }

    /// Sets the time zone whose days the retention counts; the system's by default.
    #[cfg(feature = "retention")]
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.0.time_zone = zone;
        self
    }

    /// Has commands run before and after a backup, in this order; none by default.
    #[cfg(feature = "hooks")]
    pub fn hooks(mut self, hooks: Vec<crate::hook::Hook>) -> Self {
        self.0.hooks = hooks;
        self
    }

    /// Sets the scrubber that knows every secret of the components; by default an empty one.
    pub fn scrubber(mut self, scrubber: Scrubber) -> Self {
        self.0.scrubber = scrubber;
        self
    }

    /// Adds a sentence that every run of this plan reports.
    pub fn notice(mut self, sentence: impl Into<String>) -> Self {
        self.0.notices.push(sentence.into());
        self
    }

    /// Returns the plan. Its scrubber learns the passphrase of the keys.
    #[must_use]
    pub fn build(self) -> Plan {
        let Self(plan) = self;
        plan.encryption.passphrase.iter().for_each(|passphrase| plan.scrubber.learn(passphrase));
        plan
    }
}

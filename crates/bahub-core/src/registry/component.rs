//! What a component brings besides its trait.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::SinkContext;
use crate::adapter::Adapter;
use crate::sink::Sink;
use crate::transport::Transport;

/// An adapter that can stand in a configuration.
pub trait AdapterComponent: Adapter + Sized + 'static {
    /// The value of `type`, for example `bahub.adapters.filesystem`.
    const TYPE: &'static str;
    /// Other spellings that are accepted.
    const ALIASES: &'static [&'static str] = &[];
    /// One sentence for `:help:info`.
    const SUMMARY: &'static str;
    /// A `spec` in YAML that works, with a comment for each field.
    const EXAMPLE: &'static str;
    /// What `spec` is parsed into; its serde attributes should include `deny_unknown_fields`.
    type Config: DeserializeOwned + JsonSchema;

    /// Checks what a schema cannot say, and builds the component.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    fn from_config(config: Self::Config) -> Result<Self, Vec<SpecError>>;
}

/// A transport that can stand in a configuration.
pub trait TransportComponent: Transport + Sized + 'static {
    /// The value of `type`, for example `bahub.transports.sh`.
    const TYPE: &'static str;
    /// Other spellings that are accepted.
    const ALIASES: &'static [&'static str] = &[];
    /// One sentence for `:help:info`.
    const SUMMARY: &'static str;
    /// A `spec` in YAML that works, with a comment for each field.
    const EXAMPLE: &'static str;
    /// What `spec` is parsed into; its serde attributes should include `deny_unknown_fields`.
    type Config: DeserializeOwned + JsonSchema;

    /// Checks what a schema cannot say, and builds the component.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    fn from_config(config: Self::Config) -> Result<Self, Vec<SpecError>>;
}

/// A sink that an entry of `accesses` can name.
pub trait SinkComponent: Sink + Sized + 'static {
    /// The value of `type`, for entries that name it, for example `bahub.sinks.repository`.
    const TYPE: &'static str;
    /// The schemes of `url` that choose it where there is no `type`, for example `http`.
    const SCHEMES: &'static [&'static str];
    /// One sentence for `:help:info`.
    const SUMMARY: &'static str;
    /// An entry of `accesses` in YAML that works, with a comment for each field.
    const EXAMPLE: &'static str;
    /// What the whole entry but `type` is parsed into; its serde attributes should include `deny_unknown_fields`.
    type Config: DeserializeOwned + JsonSchema;

    /// Checks what a schema cannot say, and builds the sink of one collection.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    fn from_config(config: Self::Config, context: &SinkContext) -> Result<Self, Vec<SpecError>>;
}

/// Something wrong in a `spec` that a schema could not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// Where, as a JSON pointer into the component's own part (RFC 6901), for example `/paths/0`; empty for all of it.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl SpecError {
    /// States what is wrong at a place.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), help: None }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

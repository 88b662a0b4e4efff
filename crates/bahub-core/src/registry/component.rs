//! What a component brings besides its trait.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::advice::Advice;

/// What a configuration can name: an adapter, a transport, a notifier, or the sink of an entry of `accesses`.
pub trait Component: Sized + 'static {
    /// The value of `type`, for example `bahub.adapters.filesystem`.
    const TYPE: &'static str;
    /// Other spellings that are accepted. Of a sink: the schemes of `url` that choose it where there is no `type`, for example
    /// `http`.
    const ALIASES: &'static [&'static str] = &[];
    /// One sentence for `:help:info`.
    const SUMMARY: &'static str;
    /// Its part of the configuration in YAML, which works, with a comment for each field.
    const EXAMPLE: &'static str;
    /// What that part is parsed into: `spec`, or of a sink the whole entry but `type`. Its serde attributes should include
    /// `deny_unknown_fields`.
    type Config: DeserializeOwned + JsonSchema;
    /// What it is built for: nothing (`()`) of an adapter, a transport and a notifier, a [`SinkContext`](super::SinkContext) of a sink.
    type Context;

    /// Checks what a schema cannot express, and builds the component.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    fn from_config(config: Self::Config, context: &Self::Context) -> Result<Self, Vec<SpecError>>;
}

/// Something wrong in a `spec` that a schema cannot express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// Where, as a JSON pointer into the component's own part (RFC 6901), for example `/paths/0`; empty for all of it.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<Advice>,
}

impl SpecError {
    /// States what is wrong at a place.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), help: None }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Advice>) -> Self {
        self.help = Some(help.into());
        self
    }
}

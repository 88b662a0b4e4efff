//! Something wrong, at a pointer into the merged configuration.

use super::error::ConfigErrorKind;
use crate::advice::Advice;

/// Something wrong, before it is known in which file it stands.
pub(super) struct Finding {
    pub(super) kind: ConfigErrorKind,
    /// A JSON pointer into the whole configuration.
    pub(super) pointer: String,
    pub(super) target: Target,
    pub(super) message: String,
    pub(super) help: Option<Advice>,
}

/// What is underlined.
pub(super) enum Target {
    Key,
    /// The value, if it is a scalar; else its key.
    Value,
    /// The key of the mapping that lacks this one.
    Missing(String),
    /// A word inside the value.
    Word(String),
}

impl Finding {
    pub(super) fn new(kind: ConfigErrorKind, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, pointer: pointer.into(), target: Target::Value, message: message.into(), help: None }
    }

    #[must_use]
    pub(super) fn on_key(mut self) -> Self {
        self.target = Target::Key;
        self
    }

    #[must_use]
    pub(super) fn on_word(mut self, word: impl Into<String>) -> Self {
        self.target = Target::Word(word.into());
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<Advice>) -> Self {
        self.help = Some(help.into());
        self
    }
}

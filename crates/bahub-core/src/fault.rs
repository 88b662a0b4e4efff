//! One shape for the errors that cross a boundary: what failed, on what, and what to do about it.

use std::error::Error;
use std::fmt;

use crate::advice::Advice;

/// An error of one kind with a message for people, an optional way out, and an optional cause.
///
/// The message says what failed and on what; the help says what to do. The cause is kept for `Error::source`.
#[derive(Debug)]
pub struct Fault<K> {
    kind: K,
    message: String,
    help: Option<Advice>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl<K> Fault<K> {
    /// States what failed, and on what.
    pub fn new(kind: K, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, source: None }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Advice>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the way out, where there is one.
    #[must_use]
    pub fn with_help_opt(mut self, help: Option<Advice>) -> Self {
        self.help = help;
        self
    }

    /// Adds to the way out.
    #[must_use]
    pub fn with_more_help(mut self, more: impl Into<Advice>) -> Self {
        let more = more.into();
        self.help = Some(match self.help {
            Some(help) => help.and(more),
            None => more,
        });
        self
    }

    /// Keeps the error that led to this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind, for code that decides.
    pub fn kind(&self) -> K
    where
        K: Copy,
    {
        self.kind
    }

    /// What to do about it, for people.
    pub fn help(&self) -> Option<&Advice> {
        self.help.as_ref()
    }

    /// The message and the messages of all causes, joined by colons, on one line; a cause that the message before it
    /// already ends with is not said twice.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source.as_deref().map(|source| source as &(dyn Error + 'static));
        while let Some(error) = cause {
            let next = error.to_string();
            if !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        text
    }
}

impl<K> fmt::Display for Fault<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<K: fmt::Debug> Error for Fault<K> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(feature = "config")]
impl<K: fmt::Debug> miette::Diagnostic for Fault<K> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

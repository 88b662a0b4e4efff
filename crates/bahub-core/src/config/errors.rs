//! Everything that is wrong with a configuration.

use std::fmt;

use miette::Diagnostic;
use serde::Serialize;

use super::error::ConfigError;

/// Everything that is wrong with a configuration; never empty.
///
/// `Display` lists all of it as plain text. For a graphical rendering render each of
/// [`ConfigErrors::iter`].
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// `Ok` if there are none; else in the order of their places, each once.
    pub(super) fn check(mut errors: Vec<ConfigError>) -> Result<(), Self> {
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by(|a, b| a.order().cmp(&b.order()));
        errors.dedup_by(|a, b| a.order() == b.order());
        Err(Self(errors))
    }

    pub(super) fn into_vec(self) -> Vec<ConfigError> {
        self.0
    }

    /// Each error, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let (Some(file), Some(line), Some(column)) = (error.file(), error.line(), error.column()) {
                write!(f, "{}:{line}:{column}: ", file.display())?;
            }
            write!(f, "{error}")?;
            if let Some(help) = error.help() {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|error| error as &dyn Diagnostic)))
    }
}

//! Why a command did nothing.

use bahub_core::advice::Advice;
use bahub_core::config::ConfigErrors;
use bahub_core::engine::{RunError, RunErrorKind};
use bahub_core::exit::ExitCode;

/// Why a command did nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) exit: ExitCode,
    pub(crate) reason: Reason,
}

/// What is written.
#[derive(Debug)]
pub(crate) enum Reason {
    Config(ConfigErrors),
    Run(RunError),
}

impl Failed {
    /// A failure with this exit code.
    pub(crate) fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self { exit, reason: Reason::Run(RunError::new(RunErrorKind::System, message)) }
    }

    /// Adds the way out.
    pub(crate) fn with_help(self, help: impl Into<Advice>) -> Self {
        let reason = match self.reason {
            Reason::Run(error) => Reason::Run(error.with_help(help)),
            config => config,
        };
        Self { reason, ..self }
    }

    /// Why, in one sentence: of several errors in a configuration the first.
    pub(crate) fn sentence(&self) -> String {
        match &self.reason {
            Reason::Config(errors) => errors.iter().next().map(ToString::to_string).unwrap_or_default(),
            Reason::Run(error) => error.chain(),
        }
    }

    /// A signal ended the command before it began anything.
    pub(crate) fn cancelled() -> Self {
        Self::new(ExitCode::Cancelled, "cancelled before anything was started")
    }
}

impl From<ConfigErrors> for Failed {
    fn from(errors: ConfigErrors) -> Self {
        Self { exit: ExitCode::Config, reason: Reason::Config(errors) }
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self { exit: error.kind().exit(), reason: Reason::Run(error) }
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::new(ExitCode::Failed, error.to_string())
    }
}

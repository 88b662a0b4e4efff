//! One file a command.

mod config;
mod confirm;
mod help;
mod key;
mod list;
mod make;
mod recover;
mod restore;
mod session;
mod verify;

use bahub_core::advice::Advice;
use bahub_core::config::ConfigErrors;
use bahub_core::engine::{RunError, RunErrorKind};
use bahub_core::exit::ExitCode;

use crate::args::{BackupCommand, Command, ConfigCommand, KeyCommand};

pub(crate) use session::Session;

/// Why a command did nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) exit: ExitCode,
    pub(crate) reason: Reason,
}

/// What there is to say.
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

    /// A signal ended the command before it began anything.
    pub(crate) fn cancelled() -> Self {
        Self::new(ExitCode::Cancelled, "cancelled; nothing was begun")
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

/// Does what the command line asks; gives the exit code.
pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Backup(BackupCommand::Make { name }) => make::run(session, &name).await,
        Command::Backup(BackupCommand::Restore(args)) => restore::run(session, args).await,
        Command::Backup(BackupCommand::List { name }) => list::run(session, &name).await,
        Command::Backup(BackupCommand::Verify(args)) => verify::run(session, args).await,
        Command::Recover { name } => recover::run(session, name.as_deref()).await,
        Command::Config(ConfigCommand::Check { name }) => config::check(session, name.as_deref()),
        Command::Config(ConfigCommand::Schema) => config::schema(session),
        Command::Config(ConfigCommand::Show { name }) => config::show(session, &name),
        Command::Key(KeyCommand::Generate(args)) => key::generate(session, &args).await,
        Command::Help(args) => help::run(session, args.topic),
    }
}

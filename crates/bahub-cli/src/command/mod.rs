//! One file a command.

mod config;
mod confirm;
mod help;
mod key;
mod list;
mod make;
mod prune;
mod recover;
mod restore;
mod session;
mod several;
mod verify;

use bahub_core::exit::ExitCode;

use crate::args::{BackupCommand, Command, ConfigCommand, KeyCommand};
use crate::failed::Failed;

pub(crate) use session::Session;

/// Does what the command line asks; returns the exit code.
pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Backup(BackupCommand::Make(chosen)) => make::run(session, &chosen).await,
        Command::Backup(BackupCommand::Prune(args)) => prune::run(session, &args).await,
        Command::Backup(BackupCommand::Restore(args)) => restore::run(session, args).await,
        Command::Backup(BackupCommand::List(listed)) => list::run(session, &listed).await,
        Command::Backup(BackupCommand::Verify(args)) => verify::run(session, args).await,
        Command::Recover { names } => recover::run(session, names).await,
        Command::Config(ConfigCommand::Check { name }) => config::check(session, name.as_deref()),
        Command::Config(ConfigCommand::Schema) => config::schema(session),
        Command::Config(ConfigCommand::Show { name }) => config::show(session, &name),
        Command::Key(KeyCommand::Generate(args)) => key::generate(session, &args).await,
        Command::Help(args) => help::run(session, args.topic),
    }
}

//! One file a command.

mod config;
mod confirm;
mod help;
mod history;
mod key;
mod list;
mod make;
mod notify;
mod prune;
mod recover;
mod restore;
mod schedule;
mod service;
mod session;
mod several;
mod status;
mod verify;
mod watched;

use bahub_core::exit::ExitCode;

use crate::args::{BackupCommand, Command, ConfigCommand, KeyCommand, NotifyCommand, ScheduleCommand, ServiceCommand};
use crate::failed::Failed;

pub(crate) use session::Session;
pub(crate) use watched::Watched;

/// Does what the command line asks; returns the exit code.
pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Backup(BackupCommand::Make(args)) => make::run(session, &args).await,
        Command::Backup(BackupCommand::Prune(args)) => prune::run(session, &args).await,
        Command::Backup(BackupCommand::Restore(args)) => restore::run(session, args).await,
        Command::Backup(BackupCommand::List(listed)) => list::run(session, &listed).await,
        Command::Backup(BackupCommand::Verify(args)) => verify::run(session, args).await,
        Command::Recover { names } => recover::run(session, names).await,
        Command::Service(ServiceCommand::Run { max_parallel }) => service::run(session, max_parallel).await,
        Command::Schedule(ScheduleCommand::Next { names, days }) => schedule::next(session, &names, days),
        Command::Schedule(ScheduleCommand::Systemd { install }) => schedule::systemd(session, install),
        Command::Status(args) => status::run(session, &args),
        Command::History(args) => history::run(session, args),
        Command::Notify(NotifyCommand::Test { names }) => notify::test(session, &names).await,
        Command::Config(ConfigCommand::Check { name }) => config::check(session, name.as_deref()),
        Command::Config(ConfigCommand::Schema) => config::schema(session),
        Command::Config(ConfigCommand::Show { name }) => config::show(session, &name),
        Command::Key(KeyCommand::Generate(args)) => key::generate(session, &args).await,
        Command::Help(args) => help::run(session, args.topic),
    }
}

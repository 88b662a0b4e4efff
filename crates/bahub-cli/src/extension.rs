//! Commands that a third party adds.

use bahub_core::config::{ConfigErrors, Configuration};
use bahub_core::engine::{Engine, RunControl, RunOutcome};
use bahub_core::exit::ExitCode;
use clap::ArgMatches;

use crate::command::Session;
use crate::failed::Failed;

/// A command of a third party, beside bahub's own.
///
/// ```
/// use bahub_cli::{Cli, Context, Extension};
/// use bahub_core::exit::ExitCode;
/// use clap::{ArgMatches, Command};
///
/// struct Names;
///
/// #[async_trait::async_trait]
/// impl Extension for Names {
///     fn command(&self) -> Command {
///         Command::new("names").about("Print the names of all backups")
///     }
///
///     async fn run(&self, context: &Context<'_>, _matches: &ArgMatches) -> ExitCode {
///         match context.configuration() {
///             Ok(configuration) => context.print(&configuration.backup_names().join("\n")),
///             Err(errors) => context.fail_config(errors),
///         }
///     }
/// }
///
/// let cli = Cli::standard().named("acme-backup", "1.0.0").with_command(Names);
/// # let _ = cli;
/// ```
#[async_trait::async_trait]
pub trait Extension: Send + Sync {
    /// The command line: its name, its arguments, its help.
    fn command(&self) -> clap::Command;

    /// Does it, and returns the exit code.
    async fn run(&self, context: &Context<'_>, matches: &ArgMatches) -> ExitCode;
}

/// What a command works with.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) session: &'a Session,
}

impl Context<'_> {
    /// Finds, reads and checks the configuration, as `--config` names it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn configuration(&self) -> Result<Configuration, ConfigErrors> {
        self.session.configuration()
    }

    /// The engine, whose runs every observer of this program watches.
    pub fn engine(&self) -> &Engine {
        &self.session.engine
    }

    /// Runs the work under the guard of signals, as bahub's own commands do: the first one cancels it. `control` must be the
    /// one that the work's options were given. Observers report how it ended; this returns the exit code.
    pub async fn guarded(&self, control: &RunControl, work: impl Future<Output = RunOutcome> + Send) -> ExitCode {
        let ended = self.session.guarded(control, work).await;
        ended.unwrap_or_else(|error| self.failed(&error.into()))
    }

    /// Writes a text that the user asked for on standard output; returns the exit code of that.
    pub fn print(&self, text: &str) -> ExitCode {
        match self.session.renderer.product(text) {
            Ok(()) => ExitCode::Ok,
            Err(failed) => self.failed(&failed),
        }
    }

    /// Writes why the command failed, and returns that exit code.
    pub fn fail(&self, exit: ExitCode, message: &str, help: Option<&str>) -> ExitCode {
        let failed = Failed::new(exit, message);
        self.failed(&match help {
            Some(help) => failed.with_help(help.to_owned()),
            None => failed,
        })
    }

    /// Writes what is wrong with the configuration, and returns the exit code of that.
    pub fn fail_config(&self, errors: ConfigErrors) -> ExitCode {
        self.failed(&errors.into())
    }

    fn failed(&self, failed: &Failed) -> ExitCode {
        self.session.renderer.failed(failed);
        failed.exit
    }
}

//! `backup-maker` without a controller, as its predecessor was used: `make`, `restore` and `download` of one collection of
//! a Backup Repository server.
//!
//! It is its own controller: it speaks to an agent in this process over the same link, so encryption, upload and proof are
//! the ones that bahub has. What the user's command puts out is stored as it is, without bahub's compression and facts.

mod agent;
mod download;
mod file;
mod given;
mod make;
mod options;
mod restore;
mod shell;
mod signals;
mod store;
mod table;
mod teller;
mod trouble;

use std::ffi::OsString;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use given::Given;
use options::{Action, Options};
use teller::{Level, Teller};
use trouble::{Exit, Trouble};

/// Does what the command line (without the program's name) and the `BM_*` variables ask for.
///
/// The exit status is one of docs/exit-codes.md: 0 if, and only if, the version was committed, the command of a restore
/// got all of a proven backup and ended with 0, or the file is written whole.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let given = match Given::read(args, |name| std::env::var_os(name)) {
        Ok(Some(given)) => given,
        Ok(None) => {
            println!("{}", table::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(trouble) => return Teller::new(Level::Error).ended(&trouble),
    };
    let (options, warnings) = match Options::of(&given) {
        Ok(options) => options,
        Err(trouble) => return Teller::new(Level::Error).ended(&trouble),
    };
    let teller = Teller::new(options.level);
    options.secrets().for_each(|secret| teller.learn(secret));
    warnings.iter().for_each(|warning| teller.warn(warning));
    match in_runtime(&options, &teller) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => teller.ended(&trouble),
    }
}

fn in_runtime(options: &Options, teller: &Teller) -> Result<(), Trouble> {
    // Children of programs that end before them become ours, so that they can be waited for.
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        teller.warn(&format!("children of children may be left alone: {error}"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::new(Exit::System, format!("cannot start: {error}")))?;
    let done = runtime.block_on(done(options, teller));
    // A thread that still reads what nobody wants must not hold the end up.
    runtime.shutdown_background();
    done
}

async fn done(options: &Options, teller: &Teller) -> Result<(), Trouble> {
    let stop = CancellationToken::new();
    signals::cancel(stop.clone()).map_err(|error| Trouble::new(Exit::System, error.to_string()))?;
    let run = Run { options, teller, stop };
    match &options.action {
        Action::Make(make) => run.make(make).await,
        Action::Restore(restore) => run.restore(restore).await,
        Action::Download(download) => run.download(download).await,
    }
}

/// What everything of one run works with.
struct Run<'a> {
    options: &'a Options,
    teller: &'a Teller,
    /// Cancelled by a signal.
    stop: CancellationToken,
}

impl Run<'_> {
    /// Does something that may be dropped at any point without harm; a signal ends it at once.
    async fn unless_stopped<T, E: Into<Trouble>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(trouble::cancelled()),
            done = work => done.map_err(Into::into),
        }
    }
}

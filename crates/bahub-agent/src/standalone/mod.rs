//! `backup-maker` used by itself, as its predecessor was: `make`, `restore` and `download` of one collection of a Backup
//! Repository server.
//!
//! A small composition of bahub's engine: an adapter that is the user's command, this host, the repository sink, and an agent in
//! this process. What the command writes is encrypted as it is, without bahub's compression and facts.

mod adapter;
mod error;
mod keys;
mod observer;
mod option_spec;
mod options;
mod plan;
mod raw_args;
mod signals;
mod transport;

use std::ffi::OsString;
use std::process::ExitCode as ProcessExit;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::engine::{
    BackupOptions, DownloadContent, DownloadOptions, Engine, OtherInstance, RestoreOptions, RunControl, RunOutcome,
};
use bahub_core::exit::ExitCode;
use bahub_core::plan::Plan;
use bahub_core::secret::Scrubber;

use crate::output::{self, Level, Output};
use crate::{AgentSinks, InProcess, runtime};
use error::Error;
use keys::OptionKeys;
use observer::LineObserver;
use options::{Action, Download, Options, Restore};
use raw_args::RawArgs;

/// How long the end waits for a standard error that is not read.
const DRAIN: Duration = Duration::from_secs(30);

/// Does what the command line (without the program's name) and the `BM_*` variables ask for.
///
/// The exit status is one of docs/exit-codes.md: 0 if, and only if, the version was committed, the command of a restore
/// got all of a proven backup and ended with 0, or the file is written whole.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ProcessExit {
    let args = args.into_iter().collect::<Vec<_>>();
    let exit = match args.as_slice() {
        // With a value it is the option of a restore.
        [only] if only == "--version" => output::print(concat!("backup-maker ", env!("CARGO_PKG_VERSION"))),
        _ => parsed(args),
    };
    ProcessExit::from(exit.code())
}

fn parsed(args: Vec<OsString>) -> ExitCode {
    let unparsed = Output::new(Level::Error, Scrubber::default());
    let raw = match RawArgs::parse(args, |name| std::env::var_os(name)) {
        Ok(Some(raw)) => raw,
        Ok(None) => return output::print(option_spec::USAGE),
        Err(error) => return failed(&unparsed, &error),
    };
    let (options, warnings) = match Options::parse(&raw) {
        Ok(parsed) => parsed,
        Err(error) => return failed(&unparsed, &error),
    };
    let scrubber = Scrubber::default();
    options.secrets().for_each(|secret| scrubber.learn(secret));
    let output = Output::new(options.level, scrubber.clone());
    match plan::compose(&options, scrubber) {
        Ok(mut plan) => {
            plan.notices = warnings;
            in_runtime(&options, &plan, &output).unwrap_or_else(|error| failed(&output, &error))
        }
        Err(error) => {
            warnings.iter().for_each(|warning| output.warn(warning));
            failed(&output, &error)
        }
    }
}

fn failed(output: &Output, error: &Error) -> ExitCode {
    output.error(&error.chain(), error.help().map(ToString::to_string).as_deref());
    error.kind()
}

fn in_runtime(options: &Options, plan: &Plan, output: &Output) -> Result<ExitCode, Error> {
    let system = |error: std::io::Error| Error::new(ExitCode::Failed, format!("cannot start: {error}"));
    let runtime = runtime::start(output).map_err(system)?;
    let engine = engine(options, output);
    let control = RunControl::default();
    let outcome = runtime.block_on(async {
        signals::cancel(&control, output)?;
        Ok(run_action(&engine, &options.action, plan, &control).await)
    });
    engine.observers().drain(DRAIN);
    // A thread that still reads unwanted input must not delay the end.
    runtime.shutdown_background();
    Ok(outcome.map_err(system)?.exit(false))
}

/// The engine without what its predecessor's users do not expect: a lock between runs of one collection, for which a folder would
/// have to be writable, and credentials that are withheld from a command that may be there to use them.
fn engine(options: &Options, output: &Output) -> Engine {
    let decrypts = matches!(&options.action, Action::Download(Download { key: Some(_), .. }));
    let agent = InProcess::as_is(AgentSinks::of_this_build());
    Engine::new(Arc::new(OptionKeys), Arc::new(agent))
        .without_run_lock()
        .with_inherited_credentials()
        .observed_by(LineObserver::new(output.clone(), decrypts))
}

async fn run_action(engine: &Engine, action: &Action, plan: &Plan, control: &RunControl) -> RunOutcome {
    match action {
        Action::Make(_) => engine.backup(plan, &BackupOptions::default().controlled_by(control)).await,
        Action::Restore(Restore { version, .. }) => {
            // Where the data goes is the command's own affair.
            let restore = RestoreOptions::default().version(*version).other_instance(OtherInstance::Any);
            engine.restore(plan, &restore.controlled_by(control)).await
        }
        Action::Download(Download { path, key, version }) => {
            let content = if key.is_some() { DownloadContent::Plain } else { DownloadContent::Encrypted };
            let download = DownloadOptions::new(*version, content, path);
            engine.download(plan, &download.controlled_by(control)).await
        }
    }
}

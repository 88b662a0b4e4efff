//! The command line as a part of another program.

use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use bahub_cli::{Cli, Context, Extension};
use bahub_core::event::Event;
use bahub_core::exit::ExitCode;
use bahub_core::observer::{Observer, RunInfo, RunRecord};

use super::support::Scene;

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

struct Names;

#[async_trait::async_trait]
impl Extension for Names {
    fn command(&self) -> clap::Command {
        clap::Command::new("acme").subcommand(clap::Command::new("names").about("Print names"))
    }

    async fn run(&self, context: &Context<'_>, matches: &clap::ArgMatches) -> ExitCode {
        assert_eq!(matches.subcommand_name(), Some("names"));
        match context.configuration() {
            Ok(configuration) if configuration.backup_names() == ["tree"] => ExitCode::Ok,
            Ok(_) => context.fail(ExitCode::Failed, "other names", None),
            Err(errors) => context.fail_config(errors),
        }
    }
}

#[derive(Default, Clone)]
struct Finished(Arc<Mutex<Vec<String>>>);

impl Observer for Finished {
    fn event(&mut self, _run: &RunInfo, _event: &Event) {
        // A third party's bug.
        std::panic::panic_any("an observer that fails");
    }

    fn finished(&mut self, record: &RunRecord) {
        self.0.lock().unwrap().push(record.exit.to_owned());
    }
}

struct Watching(Finished);

impl Observer for Watching {
    fn event(&mut self, _run: &RunInfo, _event: &Event) {}

    fn finished(&mut self, record: &RunRecord) {
        self.0.finished(record);
    }
}

#[tokio::test]
async fn it_runs_within_a_runtime() {
    assert_eq!(Cli::standard().run_with(words(&["bahub", ":help:exitcodes"])), ExitCode::Ok);
    assert_eq!(Cli::standard().run_with(words(&["bahub", "nonsense"])), ExitCode::Usage);
}

#[test]
fn it_takes_commands_and_observers_of_others_that_cannot_hurt() {
    let scene = Scene::new();
    let config = scene.config().display().to_string();
    for spelling in [&[":acme:names"][..], &["acme", "names"]] {
        let cli = Cli::standard().named("acme-backup", "1.2.3").with_command(Names);
        assert_eq!(cli.run_with(words(&[&["acme-backup", "-c", &config], spelling].concat())), ExitCode::Ok);
    }
    let seen = Finished::default();
    let cli = Cli::standard().observed_by(seen.clone()).observed_by(Watching(seen.clone()));
    let exit = cli.run_with(words(&["bahub", "-c", &config, "--output", "json", "backup", "make", "tree"]));
    assert_eq!(exit, ExitCode::Ok);
    assert_eq!(*seen.0.lock().unwrap(), ["ok"]);
}

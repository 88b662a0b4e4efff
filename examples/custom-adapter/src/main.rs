//! bahub with acme's adapter beside its own components: the same commands, the same configuration. With `ACME_RUN_LOG` it keeps a
//! record of every run in that file.

use std::process::ExitCode;

use acme::RunLog;
use bahub_cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::new()
        .with(bahub_adapters::register)
        .with(bahub_transports::register)
        .with(bahub_sinks::register)
        .with(acme::register);
    match std::env::var_os("ACME_RUN_LOG") {
        Some(file) => cli.observed_by(RunLog::new(file)).run(),
        None => cli.run(),
    }
}

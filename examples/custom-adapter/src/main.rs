//! bahub with acme's adapter beside its own components: the same commands, the same configuration.

use std::process::ExitCode;

use bahub_cli::Cli;

fn main() -> ExitCode {
    Cli::new()
        .with(bahub_adapters::register)
        .with(bahub_transports::register)
        .with(bahub_sinks::register)
        .with(acme::register)
        .run()
}

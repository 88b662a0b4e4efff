//! bahub with acme's transport beside its own components: the same commands, the same configuration.

use std::process::ExitCode;

use bahub_cli::Cli;

fn main() -> ExitCode {
    Cli::standard().with(acme_namespaces::register).run()
}

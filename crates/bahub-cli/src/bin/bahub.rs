//! The program `bahub`: the composition of this build's components.

use std::process::ExitCode;

use bahub_cli::Cli;

fn main() -> ExitCode {
    Cli::standard().run()
}

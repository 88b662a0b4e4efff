//! The program under its original name, for the crontabs of the original's users.

use std::process::ExitCode;

use bahub_cli::Cli;

fn main() -> ExitCode {
    Cli::standard().run()
}

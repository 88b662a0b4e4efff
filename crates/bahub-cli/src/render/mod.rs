//! What people and programs see: nothing here decides anything.

mod json;
mod plain;
mod progress;
mod size;

use std::io::{self, IsTerminal, Write};

use bahub_core::config::ConfigErrors;
use bahub_core::engine::{Engine, RunOutcome};
use bahub_core::sink::Version;
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::args::{Color, Global, Output};
use crate::command::{Failed, Reason};

pub(crate) use size::{duration, human};

/// Writes results to standard output and everything else to standard error.
#[derive(Debug)]
pub(crate) struct Renderer {
    output: Output,
    verbosity: u8,
    bars: bool,
    colour: bool,
    fail_on_warnings: bool,
}

impl Renderer {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let plain = dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        let verbosity = if global.debug { 2 } else { global.verbose };
        let bars = terminal && !dumb && global.output == Output::Text;
        Self { output: global.output, verbosity, bars, colour, fail_on_warnings: global.fail_on_warnings }
    }

    /// Starts the logs of libraries, on standard error.
    pub(crate) fn start_logging(&self, global: &Global) {
        let level = global.log_level.clone().unwrap_or_else(|| {
            match self.verbosity {
                0 => "warn",
                1 => "bahub=info,warn",
                _ => "bahub_core=debug,bahub_agent=debug,bahub_sinks=debug,info",
            }
            .to_owned()
        });
        let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("warn"));
        // A program that embeds this one may log already.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(self.colour)
            .with_writer(io::stderr)
            .without_time()
            .with_target(self.verbosity > 0 || global.log_level.is_some())
            .try_init();
        if global.show_secrets {
            tracing::warn!("--show-secrets has no effect: bahub never shows secrets");
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Shows the events of this engine's runs.
    pub(crate) fn watch(&self, engine: Engine) -> Engine {
        match (self.output, self.bars) {
            (Output::Json, _) => engine.observed_by(json::Events),
            (Output::Text, true) => engine.observed_by(progress::Bar::new(self.verbosity)),
            (Output::Text, false) => engine.observed_by(plain::Lines::new(self.verbosity)),
        }
    }

    /// Writes how a run ended; gives the exit code.
    pub(crate) fn ended(&self, ended: &RunOutcome) -> u8 {
        let code = ended.exit(self.fail_on_warnings).code();
        if self.is_json() {
            json::ended(ended, code);
            return code;
        }
        if let Some(error) = &ended.error {
            if ended.report.operation == bahub_core::event::Operation::Recover {
                self.not_recovered(&ended.report.backup);
            }
            self.report(error);
        }
        for sentence in &ended.not_undone {
            eprintln!("NOT BROUGHT BACK: {sentence}");
        }
        if ended.error.is_none() {
            print_line(&plain::summary(&ended.report));
        }
        code
    }

    /// Writes whose error follows, where several are recovered.
    pub(crate) fn not_recovered(&self, name: &str) {
        if !self.is_json() {
            eprintln!("{name}: not recovered");
        }
    }

    /// Writes why something other than a run failed.
    pub(crate) fn failed(&self, failed: &Failed) {
        if self.is_json() {
            json::failed(failed);
            return;
        }
        match &failed.reason {
            Reason::Config(errors) => self.config_errors(errors),
            Reason::Run(error) => self.report(error),
        }
    }

    fn config_errors(&self, errors: &ConfigErrors) {
        for (index, error) in errors.iter().enumerate() {
            if index > 0 {
                eprintln!();
            }
            self.report(error);
        }
        if errors.iter().count() > 1 {
            eprintln!("\nthe configuration has {} errors", errors.iter().count());
        }
    }

    fn report(&self, diagnostic: &dyn miette::Diagnostic) {
        let theme = if self.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_width(terminal_width()).with_links(false);
        match handler.render_report(&mut text, diagnostic) {
            Ok(()) => eprintln!("{}", text.trim_end()),
            Err(_) => eprintln!("{diagnostic}"),
        }
    }

    /// Writes a list of versions.
    pub(crate) fn versions(&self, name: &str, versions: &[Version]) {
        if self.is_json() {
            json::line(&json!({ "backup": name, "versions": versions }));
            return;
        }
        if versions.is_empty() {
            print_line(&format!("there is no version of {name}"));
        }
        for version in versions {
            let created = version.created.map_or_else(
                || "-".to_owned(),
                |created| created.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
            );
            let number = version.number.to_string();
            print_line(&match &version.damage {
                None => format!("{number:<8} {:>10}  {created}  {}", human(version.size), version.location),
                Some(damage) => format!("{number:<8} {:>10}  cannot be read: {damage}", "-"),
            });
        }
    }

    /// Writes a text that was asked for.
    pub(crate) fn text(&self, text: &str) {
        print_line(text.trim_end());
    }

    /// Writes something that is good to know.
    pub(crate) fn notice(&self, text: &str) {
        eprintln!("{text}");
    }
}

/// A reader of our output who went away is no reason to fail.
fn print_line(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(100, |size| usize::from(size.ws_col).clamp(60, 140))
}

//! What people see of a run while it goes on, and how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bahub_core::display::{escape, summary};
use bahub_core::event::{Event, Operation};
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use bahub_core::report::Outcome;

use super::advice::advice;
use super::failure::{Failure, Style};
use crate::terminal::{Status, Terminal, moved};

/// How often the progress of a long phase is written, where there is no status line.
const EVERY: Duration = Duration::from_secs(30);

/// Writes a line for what happens, and on a terminal keeps a status line below.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) terminal: Terminal,
    pub(super) style: Style,
    pub(super) verbosity: u8,
    /// Whether there is a status line.
    pub(super) has_status: bool,
    /// Whether nothing is written about what succeeds without a warning.
    pub(super) quiet: bool,
    /// Whether lines begin with the backup's name.
    pub(super) names: Arc<AtomicBool>,
    pub(super) status: Option<Status>,
    pub(super) said: Instant,
}

impl Observer for Text {
    fn event(&mut self, run: &RunInfo, event: &Event) {
        let name = if self.names.load(Ordering::Relaxed) { format!("{}: ", run.backup) } else { String::new() };
        match event {
            Event::Phase { phase } => self.status().phase = format!("{name}{phase}"),
            &Event::Progress { plain, stored, of } => {
                let status = self.status();
                (status.plain, status.stored, status.of) = (plain, stored, of);
                self.say_how_far(&name, plain, stored, of);
            }
            _ => {}
        }
        let is_quiet = self.quiet && matches!(event, Event::Notice { .. });
        if let Some(line) = line(event, self.verbosity).filter(|_| !is_quiet) {
            self.terminal.say(&format!("{name}{line}"));
        }
        if self.has_status {
            self.terminal.show(self.status.clone());
        }
    }

    fn finished(&mut self, record: &RunRecord) {
        self.status = None;
        self.terminal.show(None);
        let report = &record.report;
        if let Some(error) = &record.error {
            if self.names.load(Ordering::Relaxed) || report.operation == Operation::Recover {
                let failed = if report.operation == Operation::Recover { "not recovered" } else { "failed" };
                self.terminal.say(&format!("{}: {failed}", report.backup));
            }
            let failure =
                Failure::new(&error.message, error.help.as_ref().map(|help| advice(help, &report.backup)).as_deref());
            self.terminal.say_escaped(&failure.render(self.style));
        }
        for sentence in &record.not_undone {
            self.terminal.say(&format!("NOT BROUGHT BACK: {sentence}"));
        }
        if record.error.is_none() && !(self.quiet && report.outcome == Outcome::Succeeded) {
            self.terminal.print_escaped(&summary(report));
        }
    }
}

impl Text {
    fn status(&mut self) -> &mut Status {
        let begun = || Status { phase: "starting".into(), plain: 0, stored: 0, of: None, since: Instant::now() };
        self.status.get_or_insert_with(begun)
    }

    fn say_how_far(&mut self, name: &str, plain: u64, stored: u64, of: Option<u64>) {
        if !self.has_status && !self.quiet && self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            self.terminal.say(&format!("{name}{}", moved(plain, stored, of)));
        }
    }
}

/// The line of an event that is no progress.
fn line(event: &Event, verbosity: u8) -> Option<String> {
    match event {
        Event::Started { operation, backup, run } if verbosity > 0 => {
            Some(format!("{operation} of {backup}: run {run}"))
        }
        Event::Phase { phase } if verbosity > 0 => Some(phase.to_string()),
        Event::Log { source, line } if verbosity > 0 => Some(format!("{}: {line}", escape(source))),
        Event::Notice { message } => Some(format!("notice: {message}")),
        Event::Warning { message } => Some(format!("warning: {message}")),
        Event::Missed { count } => Some(format!("({count} events were not shown: standard error was too slow)")),
        _ => None,
    }
}

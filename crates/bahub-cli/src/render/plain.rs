//! Lines for pipes and log files.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bahub_core::event::{Event, Operation};
use bahub_core::observer::{Observer, RunInfo};
use bahub_core::report::{Drill, Outcome, Report};

use super::{duration, human};

/// How often a long phase says how far it is.
const EVERY: Duration = Duration::from_secs(30);

/// Writes a line for what happens.
#[derive(Debug)]
pub(super) struct Lines {
    verbosity: u8,
    last: Mutex<Instant>,
}

impl Observer for Lines {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        self.show(event);
    }
}

impl Lines {
    pub(super) fn new(verbosity: u8) -> Self {
        Self { verbosity, last: Mutex::new(Instant::now()) }
    }

    fn show(&self, event: &Event) {
        match event {
            Event::Progress { plain, stored, of } if self.is_due() => eprintln!("{}", moved(*plain, *stored, *of)),
            event => {
                if let Some(line) = line(event, self.verbosity) {
                    eprintln!("{line}");
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.elapsed() >= EVERY;
        if due {
            *last = Instant::now();
        }
        due
    }
}

/// The line of an event that is no progress.
pub(super) fn line(event: &Event, verbosity: u8) -> Option<String> {
    match event {
        Event::Started { operation, backup, run } if verbosity > 0 => {
            Some(format!("{operation} of {backup}: run {run}"))
        }
        Event::Phase { phase } if verbosity > 0 => Some(phase.to_string()),
        Event::Log { source, line } if verbosity > 0 => Some(format!("{source}: {line}")),
        Event::Notice { message } => Some(format!("notice: {message}")),
        Event::Warning { message } => Some(format!("warning: {message}")),
        _ => None,
    }
}

/// How far it is.
pub(super) fn moved(plain: u64, stored: u64, of: Option<u64>) -> String {
    match (of, plain) {
        (Some(of), _) => format!("{} of {} read", human(stored), human(of)),
        (None, plain) => format!("{} captured, {} stored", human(plain), human(stored)),
    }
}

/// What a run that ended well did, in one sentence and a line for each warning's count.
pub(super) fn summary(report: &Report) -> String {
    let version = report.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    let seconds = duration(report.seconds);
    let (plain, stored) = (human(report.plain_bytes), human(report.stored_bytes));
    let location = report.location.as_deref().unwrap_or("-");
    let mut text = match report.operation {
        Operation::Backup => {
            format!("{}: {version} made in {seconds}: {plain} of data, {stored} stored at {location}", report.backup)
        }
        Operation::Restore => format!("{}: {version} restored in {seconds}: {plain} of data", report.backup),
        Operation::Drill => format!("{}: {version} can be restored: {plain} of data", report.backup),
        Operation::Verify => {
            format!("{}: {version} is whole: {plain} of data in {stored}, read in {seconds}", report.backup)
        }
        Operation::Download => format!("{}: {version} written to {location} in {seconds}", report.backup),
        _ => recovered(report),
    };
    if let Some(Drill { things, count, compared, seconds }) = &report.drill {
        let s = if *things == 1 { "" } else { "s" };
        let compared = if *compared { "as at the capture" } else { "compared with nothing" };
        let beside =
            format!(", beside the original in {}: {things} table{s} with {count} rows, {compared}", duration(*seconds));
        text.push_str(&beside);
    }
    if report.outcome == Outcome::SucceededWithWarnings {
        let count = report.warnings.len();
        text.push_str(&format!(" (with {count} warning{})", if count == 1 { "" } else { "s" }));
    }
    text
}

fn recovered(report: &Report) -> String {
    if report.recovered.is_empty() {
        return format!("{}: nothing to bring back", report.backup);
    }
    let lines =
        report.recovered.iter().map(|recovered| format!("{}: {} {}", report.backup, recovered.what, recovered.done));
    lines.collect::<Vec<_>>().join("\n")
}

//! A run as lines on standard error.

use bahub_core::event::{Event, Operation, Phase};
use bahub_core::exit::ExitCode;
use bahub_core::observer::{ErrorRecord, Observer, RunInfo, RunRecord};
use bahub_core::report::Report;

use crate::output::Output;

/// The help for a message that cannot be trusted.
const ANOTHER_VERSION: &str = "use another version (-s NUMBER), and check the server's storage";

/// Writes what a user should read of a run.
pub(super) struct LineObserver {
    output: Output,
    /// Whether a download is decrypted.
    decrypts: bool,
}

impl LineObserver {
    pub(super) fn new(output: Output, decrypts: bool) -> Self {
        Self { output, decrypts }
    }

    fn succeeded(&self, report: &Report) {
        let version = report.version.map(|version| version.to_string()).unwrap_or_default();
        let location = report.location.as_deref().unwrap_or_default();
        let (plain, stored) = (report.plain_bytes, report.stored_bytes);
        if report.operation == Operation::Backup && plain == 0 {
            self.output.warn("the command wrote nothing: the version is empty");
        }
        self.output.info(&match report.operation {
            Operation::Backup => {
                format!("{version} stored: {stored} bytes ({plain} before encryption) at {location}")
            }
            Operation::Download if self.decrypts => {
                format!("{version} written, decrypted: {plain} bytes at {location}")
            }
            Operation::Download => {
                format!("{version} written, still encrypted and not verified: {stored} bytes at {location}")
            }
            _ => format!("{version} restored: {plain} bytes"),
        });
    }

    fn failed(&self, exit: Option<ExitCode>, operation: Operation, error: &ErrorRecord) {
        let help = error.help.as_ref().map(ToString::to_string);
        let help = help.as_deref();
        match exit {
            Some(ExitCode::Cancelled) => self.output.error("stopped by a signal", None),
            Some(ExitCode::Integrity) if operation != Operation::Backup => {
                self.output.error(&error.message, Some(ANOTHER_VERSION))
            }
            Some(ExitCode::Unknown) => {
                let look = "check the versions of the collection on the server before running it again";
                self.output.error(&error.message, Some(look));
            }
            _ => self.output.error(&error.message, help),
        }
    }
}

impl Observer for LineObserver {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        match event {
            Event::Log { source, line } if source == "agent" => self.output.warn(line),
            Event::Log { line, .. } => self.output.pass_on(line),
            Event::Notice { message } | Event::Warning { message } => self.output.warn(message),
            Event::Missed { count } => {
                self.output.warn(&format!("{count} lines were not shown: standard error was too slow"));
            }
            Event::Phase { phase: Phase::Proving } => self.output.info("verifying the version"),
            Event::Phase { phase: Phase::Replaying } => self.output.info("the version is intact: restoring"),
            Event::Phase { phase } => self.output.debug(&phase.to_string()),
            _ => {}
        }
    }

    fn finished(&mut self, record: &RunRecord) {
        record.not_undone.iter().for_each(|sentence| self.output.error(sentence, None));
        match &record.error {
            Some(error) => self.failed(ExitCode::of(record.exit_code), record.report.operation, error),
            None => self.succeeded(&record.report),
        }
    }
}

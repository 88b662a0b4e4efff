//! How a run ended: its report, its error, and the exit code that a program should give.

use super::error::{RunError, RunErrorKind};
use crate::exit::ExitCode;
use crate::observer::{ErrorRecord, RunRecord};
use crate::report::{Outcome, Report};

/// How a run ended.
#[derive(Debug)]
#[must_use = "a run that failed says so here and nowhere else"]
#[non_exhaustive]
pub struct RunOutcome {
    /// What it did.
    pub report: Report,
    /// Why it failed; the first error of all.
    pub error: Option<RunError>,
    /// What could not be brought back, a sentence each; above all other errors in urgency.
    pub not_undone: Vec<String>,
}

impl RunOutcome {
    /// The exit code that a program should give.
    pub fn exit(&self, fail_on_warnings: bool) -> ExitCode {
        match &self.error {
            _ if !self.not_undone.is_empty() => ExitCode::Undo,
            Some(error) => error.kind().exit(),
            None if fail_on_warnings && self.report.outcome == Outcome::SucceededWithWarnings => ExitCode::Warnings,
            None => ExitCode::Ok,
        }
    }

    /// The report of a run that succeeded and brought everything back.
    ///
    /// # Errors
    /// The run's error; [`RunErrorKind::Undo`] where something could not be brought back, above all others.
    pub fn into_result(self) -> Result<Report, RunError> {
        let Self { report, error, not_undone } = self;
        if not_undone.is_empty() {
            return error.map_or(Ok(report), Err);
        }
        let error = error.map(|error| format!("; before that: {}", error.chain())).unwrap_or_default();
        Err(RunError::new(RunErrorKind::Undo, format!("{}{error}", not_undone.join("; "))))
    }

    /// The run as observers get it.
    pub fn record(&self) -> RunRecord {
        let error = self.error.as_ref();
        let error = error.map(|error| ErrorRecord::new(error.chain(), error.help().cloned()));
        let exit = self.exit(false);
        RunRecord::new(exit, self.report.clone(), error, self.not_undone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(error: Option<RunError>, not_undone: &[&str]) -> RunOutcome {
        let not_undone = not_undone.iter().map(|&sentence| sentence.to_owned()).collect();
        RunOutcome { report: Report::default(), error, not_undone }
    }

    #[test]
    fn a_failed_undo_is_above_all_but_loses_no_error() {
        let cancelled = || Some(RunError::new(RunErrorKind::Cancelled, "the run was cancelled"));
        assert_eq!(outcome(cancelled(), &[]).exit(false), ExitCode::Cancelled);
        let both = outcome(cancelled(), &["could not start db"]);
        assert_eq!(both.exit(false), ExitCode::Undo);
        let error = both.into_result().unwrap_err().to_string();
        assert!(error.contains("could not start db") && error.contains("the run was cancelled"), "{error}");
        assert!(outcome(None, &[]).into_result().is_ok());
    }
}

//! How a run ended: its report, its error, and the exit code that a program should give.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{RunError, RunErrorKind};
use crate::event::{Event, Phase};
use crate::plan::Plan;
use crate::report::{Outcome, Report};
use crate::run::RunContext;

/// How long letting go of a store may take: the work is done, and its result must not wait.
const CLOSE: Duration = Duration::from_secs(10);

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// What it did.
    pub report: Report,
    /// Why it failed; the first error of all.
    pub error: Option<RunError>,
    /// What could not be brought back, a sentence each; above all other errors in urgency.
    pub not_undone: Vec<String>,
}

/// An exit code with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode {
    /// The number.
    pub code: u8,
    /// A word for scripts.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// Every exit code of the programs, in one table.
pub const EXIT_CODES: &[ExitCode] = &[
    ExitCode { code: 0, name: "ok", meaning: "done; the report tells of warnings" },
    ExitCode { code: 1, name: "failed", meaning: "the system failed in a way that has no code of its own" },
    ExitCode { code: 2, name: "usage", meaning: "the command line makes no sense" },
    ExitCode { code: 3, name: "config", meaning: "the configuration is missing or wrong" },
    ExitCode { code: 4, name: "warnings", meaning: "done with warnings, and --fail-on-warnings was given" },
    ExitCode { code: 5, name: "locked", meaning: "another run of this backup goes on" },
    ExitCode { code: 6, name: "keys", meaning: "a key is missing, unusable, locked, or does not fit the message" },
    ExitCode { code: 7, name: "place", meaning: "the place of the data cannot be reached, or refuses" },
    ExitCode { code: 8, name: "preflight", meaning: "a check before the run failed; nothing was begun" },
    ExitCode { code: 9, name: "program", meaning: "a program that captures or restores did not succeed" },
    ExitCode { code: 10, name: "store", meaning: "the store refused, broke off or cannot be reached" },
    ExitCode { code: 11, name: "no-version", meaning: "there is no such collection or version" },
    ExitCode { code: 12, name: "integrity", meaning: "a message is damaged or is another one than expected" },
    ExitCode { code: 13, name: "agent", meaning: "the agent could not be started, or its connection broke" },
    ExitCode { code: 14, name: "timeout", meaning: "the run took longer than its timeout" },
    ExitCode { code: 15, name: "unsupported", meaning: "this adapter cannot restore there" },
    ExitCode { code: 16, name: "output", meaning: "the file to download into cannot be written" },
    ExitCode { code: 17, name: "declined", meaning: "a restore over live data was not confirmed" },
    ExitCode { code: 70, name: "unknown", meaning: "a commit's answer was lost: there may be a version" },
    ExitCode { code: 100, name: "undo", meaning: "something that was changed could not be brought back" },
    ExitCode { code: 130, name: "cancelled", meaning: "ended by Ctrl-C or SIGTERM; nothing became visible" },
];

impl RunErrorKind {
    /// The exit code of a run that this ended.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::System => 1,
            Self::Locked => 5,
            Self::Keys => 6,
            Self::Place => 7,
            Self::Preflight => 8,
            Self::Program => 9,
            Self::Store => 10,
            Self::NoVersion => 11,
            Self::Integrity => 12,
            Self::Agent => 13,
            Self::TimedOut => 14,
            Self::Unsupported => 15,
            Self::Output => 16,
            Self::Unknown => 70,
            Self::Undo => 100,
            Self::Cancelled => 130,
        }
    }
}

impl Ended {
    /// The exit code that a program should give.
    pub fn exit_code(&self, fail_on_warnings: bool) -> u8 {
        match &self.error {
            _ if !self.not_undone.is_empty() => RunErrorKind::Undo.exit_code(),
            Some(error) => error.kind().exit_code(),
            None if fail_on_warnings && self.report.outcome == Outcome::SucceededWithWarnings => 4,
            None => 0,
        }
    }
}

/// A run under way: its report grows, and its end undoes what has to be undone.
pub(super) struct Run {
    pub(super) report: Report,
    cx: RunContext,
    started: Instant,
    closing: bool,
    /// What could not be brought back, a sentence each.
    not_undone: Vec<String>,
}

impl Run {
    /// A run from its start to its end, within the plan's timeout.
    pub(super) async fn of(
        operation: &'static str,
        plan: &Plan,
        cx: &RunContext,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), RunError>,
    ) -> Ended {
        let mut run = Self::start(operation, Some(plan), cx);
        let result = limited(plan, cx, work(&mut run)).await;
        let ended = run.end(result).await;
        close(plan).await;
        ended
    }

    /// Begins the report and tells that the run started.
    pub(super) fn start(operation: &'static str, plan: Option<&Plan>, cx: &RunContext) -> Self {
        let (backup, id) = (cx.backup.clone(), cx.id.clone());
        cx.events.tell(Event::Started { operation, backup: backup.clone(), run: id.clone() });
        let report = Report { operation, backup, run: id, ..Report::default() };
        let cx = cx.clone();
        let mut run = Self { report, cx, started: Instant::now(), closing: false, not_undone: Vec::new() };
        plan.iter().flat_map(|plan| &plan.notices).for_each(|notice| run.notice(notice));
        run
    }

    /// Adds something that is good to know, and tells it.
    pub(super) fn notice(&mut self, message: &str) {
        self.cx.events.tell(Event::Notice { message: message.to_owned() });
        self.report.notices.push(message.to_owned());
    }

    /// Adds a warning, and tells it.
    pub(super) fn warn(&mut self, message: impl AsRef<str>) {
        self.cx.warn(message);
    }

    /// Notes that something could not be brought back. The outcome is the work's own: a version that was committed
    /// stands.
    pub(super) fn not_undone(&mut self, sentence: &str) {
        self.not_undone.push(self.cx.scrubber.scrub(sentence));
    }

    /// Tells, once, that the run is being closed.
    pub(super) fn closing(&mut self) {
        if !std::mem::replace(&mut self.closing, true) {
            self.cx.events.phase(Phase::Closing);
        }
    }

    /// Undoes what is left to undo, and states how the run ended.
    pub(super) async fn end(mut self, result: Result<(), RunError>) -> Ended {
        self.closing();
        let cx = &self.cx;
        let mut not_undone = std::mem::take(&mut self.not_undone);
        not_undone.extend(cx.undo.unwind().await.iter().map(|sentence| cx.scrubber.scrub(sentence)));
        self.report.warnings = cx.take_warnings();
        self.report.seconds = self.started.elapsed().as_secs_f64();
        let error = result.err().map(|error| scrubbed(error, cx));
        match error.as_ref().map(RunError::kind) {
            None => self.report.succeeded(),
            Some(RunErrorKind::Unknown) => self.report.outcome = Outcome::Unknown,
            Some(RunErrorKind::Cancelled) => self.report.outcome = Outcome::Cancelled,
            Some(_) => self.report.outcome = Outcome::Failed,
        }
        Ended { report: self.report, error, not_undone }
    }
}

/// Ends the work by its cancellation when the plan's timeout passes.
async fn limited(
    plan: &Plan,
    cx: &RunContext,
    work: impl Future<Output = Result<(), RunError>>,
) -> Result<(), RunError> {
    let Some(limit) = plan.timeout else { return work.await };
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = tokio::time::sleep(limit) => cx.cancel.cancel(),
    }
    match work.await {
        Err(error) if *error.kind() == RunErrorKind::Cancelled => {
            let message = format!("the run took longer than its timeout of {} s", limit.as_secs());
            Err(RunError::new(RunErrorKind::TimedOut, message).with_help("raise `timeout` in the backup's meta"))
        }
        result => result,
    }
}

/// Lets go of the store: after all undoing, because a workload that is down is more urgent. Credentials that it does
/// not take back expire by themselves.
pub(super) async fn close(plan: &Plan) {
    match timeout(CLOSE, plan.sink.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("the session with the store was not closed: {}", error.chain()),
        Err(_) => tracing::warn!("the session with the store was not closed within {} s", CLOSE.as_secs()),
    }
}

/// The same error with every secret replaced; the causes are in the message already.
fn scrubbed(error: RunError, cx: &RunContext) -> RunError {
    let scrub = |text: &str| cx.scrubber.scrub(text);
    RunError::new(*error.kind(), scrub(&error.chain())).with_help_opt(error.help().map(scrub))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_documented_code_and_a_failed_undo_is_above_all_but_cancellation() {
        use RunErrorKind as K;
        let kinds = [
            K::Locked,
            K::Keys,
            K::Place,
            K::Agent,
            K::Preflight,
            K::Program,
            K::Store,
            K::NoVersion,
            K::Integrity,
            K::Unknown,
            K::Unsupported,
            K::Output,
            K::Cancelled,
            K::TimedOut,
            K::Undo,
            K::System,
        ];
        for kind in kinds {
            assert!(EXIT_CODES.iter().any(|entry| entry.code == kind.exit_code()), "{kind:?}");
        }
        let ended = Ended {
            report: Report::default(),
            error: Some(RunError::new(K::Cancelled, "cancelled")),
            not_undone: vec!["could not start db".into()],
        };
        assert_eq!(ended.exit_code(false), 100);
    }
}

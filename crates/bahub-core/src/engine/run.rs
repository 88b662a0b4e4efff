//! A run from its start to its end: the task that it lives in, its report, its undoing.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use tokio::time::timeout;

use super::control::{RunControl, cancelled};
use super::error::{RunError, RunErrorKind};
use super::outcome::RunOutcome;
use super::runner::Engine;
use crate::capture::MissingPart;
use crate::event::{Event, Events, Operation, Phase};
use crate::observer::RunInfo;
use crate::plan::Plan;
use crate::report::{Outcome, Report};
use crate::run::{Committed, RunContext, RunPurpose};
use crate::sink::Upload;

/// How long letting go of a store may take: the work is done, and its result must not wait.
const CLOSE: Duration = Duration::from_secs(10);
/// How long a store may take to abort an upload.
const ABORT: Duration = Duration::from_secs(60);

/// What a run is asked to do.
#[async_trait]
pub(super) trait Work: Send + Sync {
    fn operation(&self) -> Operation;

    fn purpose(&self) -> RunPurpose;

    /// What ends it from outside.
    fn control(&self) -> &RunControl;

    /// Does it, between the start of the run and its end.
    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError>;
}

impl Engine {
    /// Runs the work in a task of its own, which ends as it should even if its caller no longer waits.
    pub(super) async fn run(&self, plan: &Plan, work: impl Work + 'static) -> RunOutcome {
        self.run_boxed(plan, Box::new(work)).await
    }

    async fn run_boxed(&self, plan: &Plan, work: Box<dyn Work>) -> RunOutcome {
        let (engine, plan, operation) = (self.clone(), plan.clone(), work.operation());
        let dropped = work.control().cancelled.clone().drop_guard();
        let task = self.tasks.spawn(async move { engine.run_to_end(&plan, work.as_ref()).await });
        let outcome = task.await;
        dropped.disarm();
        // Panics are caught inside of the task; a runtime that is shut down has no caller to report to.
        outcome.unwrap_or_else(|error| {
            let report = Report { operation, ..Report::default() };
            let error = RunError::new(RunErrorKind::Internal, format!("the run's task ended: {error}"));
            RunOutcome { report, error: Some(error), not_undone: Vec::new() }
        })
    }

    async fn run_to_end(&self, plan: &Plan, work: &dyn Work) -> RunOutcome {
        let (operation, control) = (work.operation(), work.control());
        let mut run = match Run::start(self, operation, plan, control, work.purpose()) {
            Ok(run) => run,
            Err(error) => {
                let report = Report { operation, backup: plan.name.clone(), ..Report::default() };
                let outcome = RunOutcome { report, error: Some(error.into()), not_undone: Vec::new() };
                self.observers.finished(&Arc::new(outcome.record()));
                return outcome;
            }
        };
        let cx = run.cx.clone();
        let aborted = control.aborted.clone();
        let result = {
            let working = AssertUnwindSafe(limited(plan, &cx, work.perform(self, plan, &cx, &mut run))).catch_unwind();
            tokio::select! {
                biased;
                result = working => result.unwrap_or_else(|panic| Err(internal(panic.as_ref()))),
                () = aborted.cancelled() => Err(aborted_during(cx.commitment.state())),
            }
        };
        // A panic of the report must not keep anything from being undone.
        let closing = std::panic::catch_unwind(AssertUnwindSafe(|| run.closing()));
        let result = closing.map_or_else(|panic| Err(internal(panic.as_ref())), |()| result);
        let outcome = run.end(result).await;
        let _ = AssertUnwindSafe(close(plan)).catch_unwind().await;
        self.observers.finished(&Arc::new(outcome.record()));
        outcome
    }
}

/// The error of a panic, which is a bug of ours or of a component.
pub(super) fn internal(panic: &(dyn Any + Send)) -> RunError {
    let words = panic.downcast_ref::<&str>().map(|&words| words.to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into());
    RunError::new(RunErrorKind::Internal, format!("bahub failed unexpectedly: {words}"))
        .with_help("this is a bug: please report it with this message")
}

/// What is left of a run that was ended at once.
fn aborted_during(committed: Committed) -> RunError {
    let unknown = |message: String| RunError::new(RunErrorKind::Unknown, message).with_help("{list the versions}");
    match committed {
        Committed::No => cancelled(),
        Committed::Unknown => unknown("stopped at once, during the commit: there may be a new version".into()),
        Committed::Version(version) => unknown(format!("stopped at once, after {version} was committed")),
    }
}

/// A run under way: its report grows, and its end undoes what has to be undone.
pub(super) struct Run {
    pub(super) report: Report,
    pub(super) cx: RunContext,
    started: Instant,
    closing: bool,
    /// What could not be brought back, a sentence each.
    not_undone: Vec<String>,
    /// An upload that came to nothing, and that is still to be aborted.
    abandoned: Option<Box<dyn Upload>>,
}

impl Run {
    /// Begins the report and emits that the run started.
    fn start(
        engine: &Engine,
        operation: Operation,
        plan: &Plan,
        control: &RunControl,
        purpose: RunPurpose,
    ) -> std::io::Result<Self> {
        let mut cx = RunContext::new(&plan.name, purpose, Events::ignored())?;
        let info = Arc::new(RunInfo::new(&cx.id, &plan.name, operation));
        let observers = engine.observers.clone();
        cx.events = Events::new(plan.scrubber.clone(), move |event| observers.emit(&info, &event));
        cx.scrubber = plan.scrubber.clone();
        cx.cancel = control.cancelled.clone();
        let (backup, id) = (cx.backup.clone(), cx.id.clone());
        cx.events.emit(Event::Started { operation, backup: backup.clone(), run: id.clone() });
        let report = Report { operation, backup, run: id, ..Report::default() };
        let mut run =
            Self { report, cx, started: Instant::now(), closing: false, not_undone: Vec::new(), abandoned: None };
        plan.notices.iter().for_each(|notice| run.notice(notice));
        Ok(run)
    }

    /// Adds something that is good to know, and emits it.
    pub(super) fn notice(&mut self, message: &str) {
        self.cx.events.emit(Event::Notice { message: message.to_owned() });
        self.report.notices.push(self.cx.scrubber.scrub(message));
    }

    /// Adds a warning, and emits it.
    pub(super) fn warn(&mut self, message: impl AsRef<str>) {
        self.cx.warn(message);
    }

    /// Takes what is missing in a version that was read into the report, with a warning for each part; a drill of several parts
    /// reads the same version again.
    pub(super) fn missing_in_version(&mut self, missing: Vec<MissingPart>) {
        if self.report.missing == missing {
            return;
        }
        for MissingPart { name, reason } in &missing {
            self.warn(format!("the version is partial: {name:?} is not in it, because it could not be read: {reason}"));
        }
        self.report.missing = missing;
    }

    /// Notes that something could not be brought back. The outcome is the work's own: a version that was committed
    /// stands.
    pub(super) fn not_undone(&mut self, sentence: &str) {
        self.not_undone.push(self.cx.scrubber.scrub(sentence));
    }

    /// Whether something could not be brought back so far.
    #[cfg(feature = "retention")]
    pub(super) fn has_left_something(&self) -> bool {
        !self.not_undone.is_empty()
    }

    /// Leaves an upload that came to nothing to the end of the run, which aborts it when the workload is back.
    pub(super) fn abandon(&mut self, upload: Option<Box<dyn Upload>>) {
        self.abandoned = upload;
    }

    async fn abort_upload(&mut self) {
        let Some(upload) = self.abandoned.take() else { return };
        let sentence = match timeout(ABORT, upload.abort()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.chain(),
            Err(_) => format!("the store did not answer within {} s", ABORT.as_secs()),
        };
        self.warn(format!("leftovers of the aborted upload could not be removed: {sentence}"));
    }

    /// Emits, once, that the run is being closed.
    pub(super) fn closing(&mut self) {
        if !std::mem::replace(&mut self.closing, true) {
            self.cx.events.phase(Phase::Closing);
        }
    }

    /// Undoes what is left to undo, and states how the run ended.
    async fn end(mut self, result: Result<(), RunError>) -> RunOutcome {
        self.closing();
        let cx = &self.cx;
        let mut not_undone = std::mem::take(&mut self.not_undone);
        not_undone.extend(cx.undo.unwind().await.iter().map(|sentence| cx.scrubber.scrub(sentence)));
        self.abort_upload().await;
        let cx = &self.cx;
        self.report.warnings = cx.take_warnings();
        #[cfg(feature = "hooks")]
        {
            self.report.hooks = cx.hooks.take();
        }
        self.report.downtime_seconds = cx.downtime.total().map(|total| total.as_secs_f64());
        self.report.seconds = self.started.elapsed().as_secs_f64();
        let error = result.err().map(|error| scrubbed(error, cx));
        match error.as_ref().map(RunError::kind) {
            None => self.report.succeeded(),
            Some(RunErrorKind::Unknown) => self.report.outcome = Outcome::Unknown,
            Some(RunErrorKind::Partial) => self.report.outcome = Outcome::Partial,
            Some(RunErrorKind::Cancelled) => self.report.outcome = Outcome::Cancelled,
            Some(_) => self.report.outcome = Outcome::Failed,
        }
        RunOutcome { report: self.report, error, not_undone }
    }
}

/// Ends the work by its cancellation when the plan's timeout passes.
async fn limited(
    plan: &Plan,
    cx: &RunContext,
    work: impl Future<Output = Result<(), RunError>> + Send,
) -> Result<(), RunError> {
    let Some(limit) = plan.timeout else { return work.await };
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        // By somebody else: however long that takes, it is no timeout.
        () = cx.cancel.cancelled() => return work.await,
        () = tokio::time::sleep(limit) => cx.cancel.cancel(),
    }
    match work.await {
        Err(error) if error.kind() == RunErrorKind::Cancelled => {
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
    RunError::new(error.kind(), scrub(&error.chain())).with_help_opt(error.help().map(|help| help.map(scrub)))
}

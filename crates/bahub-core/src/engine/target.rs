//! The target of a run: opened and looked at before anything is placed or stopped, and closed whatever came of it.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::control::unless_cancelled;
use super::error::{RunError, RunErrorKind};
use super::run::{Run, internal};
use super::runner::Engine;
use crate::event::Phase;
use crate::instance::{Coverage, Identity};
use crate::plan::Plan;
use crate::replay::{ReplayTarget, RestoreTarget};
use crate::run::RunContext;
use crate::transport::Session;

impl Engine {
    /// Mends what dead runs left, and opens the target. [`close`] ends what this began.
    pub(super) async fn open(&self, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<Box<dyn Session>, RunError> {
        cx.events.phase(Phase::Opening);
        run.report.recovered = match unless_cancelled(cx, plan.transport.recover(cx)).await {
            Ok(recovered) => recovered,
            // What another run left down is reported with this one's end; it is no reason for having no backup.
            Err(error) if error.kind() == RunErrorKind::Undo => {
                run.not_undone(&error.chain());
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        unless_cancelled(cx, plan.transport.open(cx)).await
    }
}

/// Asks a session which instance it is connected to, and whether that has every path of the run as its own data.
pub(super) async fn identify(session: &mut dyn Session, cx: &RunContext, run: &mut Run) -> Result<Identity, RunError> {
    let identity = unless_cancelled(cx, session.identity()).await?;
    run.report.instance = Some(identity.clone());
    if cx.required_paths.is_empty() {
        return Ok(identity);
    }
    let coverage = unless_cancelled(cx, session.coverage(&cx.required_paths)).await?;
    if coverage.len() != cx.required_paths.len() {
        let message = format!("the transport answered for {} of {} paths", coverage.len(), cx.required_paths.len());
        return Err(RunError::new(RunErrorKind::Internal, message));
    }
    for (path, coverage) in cx.required_paths.iter().zip(coverage) {
        match coverage {
            Coverage::Own | Coverage::Volume(_) => {}
            Coverage::Incomplete { reason } => run.warn(format!("{path} {reason}")),
            Coverage::NotOwn { reason, help } => {
                return Err(RunError::new(RunErrorKind::Preflight, format!("{path} {reason}")).with_help(help));
            }
        }
    }
    Ok(identity)
}

/// The error of work that was disturbed: it was begun, so this is no preflight error.
pub(super) fn disturbed(error: RunError) -> RunError {
    match error.kind() {
        RunErrorKind::Preflight => {
            RunError::new(RunErrorKind::Target, error.chain()).with_help_opt(error.help().cloned())
        }
        _ => error,
    }
}

/// The error of a workload that is not quiet: a preflight error as long as nothing was stopped.
pub(super) fn begun(error: RunError, cx: &RunContext) -> RunError {
    if cx.downtime.total().is_some() { disturbed(error) } else { error }
}

/// The paths that a restore writes there.
pub(super) fn paths_of(plan: &Plan, target: &ReplayTarget) -> Vec<String> {
    match &target.location {
        RestoreTarget::Directory(folder) => vec![folder.to_string_lossy().into_owned()],
        RestoreTarget::Original | RestoreTarget::Database(_) => plan.adapter.required_paths(),
    }
}

/// Brings back what is still down and removes what was made; what stays is noted, above every other error.
pub(super) async fn close(session: Box<dyn Session>, run: &mut Run) {
    run.closing();
    let closed = AssertUnwindSafe(session.close()).catch_unwind().await;
    match closed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => run.not_undone(&error.chain()),
        Err(panic) => run.not_undone(&internal(panic.as_ref()).chain()),
    }
}

/// Does the work; its panic is an error like others, so that what follows is done.
pub(super) async fn caught(work: impl Future<Output = Result<(), RunError>> + Send) -> Result<(), RunError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(internal(panic.as_ref())))
}

//! A backup: from the plan to a committed version.

use super::agent::Agent;
use super::capture::Capturing;
use super::ended::Run;
use super::lock::RunLock;
use super::{Ended, Engine, RunError, RunErrorKind, route};
use crate::event::Phase;
use crate::link::CaptureJob;
use crate::plan::Plan;
use crate::replay::ReplayTarget;
use crate::run::RunContext;
use crate::sink::{NewVersion, Purpose};
use crate::transport::Session;

/// How many days before a recipient's key expires the report warns.
const EXPIRY_WARNING_DAYS: i64 = 30;

impl Engine {
    /// Makes a version. What is cancelled or fails leaves none.
    ///
    /// Cancelling `cx.cancel` ends the programs, aborts the upload, and brings the workload back.
    pub async fn backup(&self, plan: &Plan, cx: &RunContext) -> Ended {
        Run::of("backup", plan, cx, async |run| self.locked_backup(plan, cx, run).await).await
    }

    async fn locked_backup(&self, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        let _lock = RunLock::take(&self.lock_folder, &plan.sink.identity(), cx)?;
        let recipients = self.keys.recipients(&plan.encryption)?;
        for recipient in &recipients {
            if let Some(days) = recipient.expires.map(days_until)
                && days < EXPIRY_WARNING_DAYS
            {
                run.warn(format!("the key {} expires in {days} days", recipient.fingerprint));
            }
        }
        self.in_place(plan, cx, run, async |session, agent, run| {
            let (found, tools) = agent.probe(plan.adapter.as_ref(), cx).await?;
            run.report.tools = tools.0.clone();
            let mut capture = plan.adapter.capture(&found)?;
            let mut census = plan.adapter.census(&ReplayTarget::default());
            agent.shield(capture.steps_mut().chain(&mut census), cx);
            capture.warnings.drain(..).for_each(|warning| run.warn(warning));
            agent.sweep(plan.adapter.as_ref(), cx, run).await?;
            let version = NewVersion {
                created: jiff::Timestamp::now(),
                adapter: plan.adapter_type.clone(),
                compression: plan.compression.algorithm.name().to_owned(),
                recipients: recipients.iter().map(|recipient| recipient.fingerprint.clone()).collect(),
                bahub: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let granted = unless_cancelled(cx, route::choose(plan, agent, Purpose::Upload(version.clone()))).await?;
            let job = CaptureJob {
                capture,
                compression: plan.compression,
                recipients: recipients.clone(),
                format: plan.encryption.format,
                encoding: plan.sink.encoding(),
                route: route::route_of(granted.as_ref()),
                version,
                tools,
                census,
            };
            let capturing = Capturing { plan, cx, agent, run };
            capturing.run(session, job, granted).await
        })
        .await
    }

    /// Opens the place, starts the agent, does the work, and closes both whatever came of it.
    pub(super) async fn in_place(
        &self,
        plan: &Plan,
        cx: &RunContext,
        run: &mut Run,
        work: impl AsyncFnOnce(&mut dyn Session, &mut Agent, &mut Run) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        cx.events.phase(Phase::Opening);
        let cx = &RunContext { places: plan.adapter.places(), ..cx.clone() };
        run.report.recovered = match unless_cancelled(cx, plan.transport.recover(cx)).await {
            Ok(recovered) => recovered,
            // What another run left down is told with this one's end; it is no reason for having no backup.
            Err(error) if *error.kind() == RunErrorKind::Undo => {
                run.not_undone(&error.chain());
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut session = unless_cancelled(cx, plan.transport.open(cx)).await?;
        let result = match unless_cancelled(cx, self.agent_at(session.as_mut(), cx)).await {
            Ok(mut agent) => {
                cx.events.phase(Phase::Checking);
                let result = work(session.as_mut(), &mut agent, run).await;
                agent.quit().await;
                result
            }
            Err(error) => Err(error),
        };
        run.closing();
        if let Err(error) = session.close().await {
            run.not_undone(&error.chain());
        }
        result
    }
}

/// Does something that may be dropped at any point without harm; a cancellation ends it at once.
pub(super) async fn unless_cancelled<T, E: Into<RunError>>(
    cx: &RunContext,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, RunError> {
    tokio::select! {
        biased;
        () = cx.cancel.cancelled() => Err(cancelled()),
        done = work => done.map_err(Into::into),
    }
}

/// The user ended the run.
pub(super) fn cancelled() -> RunError {
    RunError::new(RunErrorKind::Cancelled, "the run was cancelled")
}

fn days_until(expires: i64) -> i64 {
    (expires - jiff::Timestamp::now().as_second()).div_euclid(86_400)
}

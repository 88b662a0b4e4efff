//! Mending what dead runs left.

use async_trait::async_trait;

use super::control::{RunControl, unless_cancelled};
use super::error::RunError;
use super::outcome::RunOutcome;
use super::run::{Run, Work};
use super::runner::Engine;
use super::target::{self, caught};
use crate::event::{Operation, Phase};
use crate::plan::Plan;
use crate::run::{RunContext, RunPurpose};
use crate::sink::SinkErrorKind;
use crate::transport::Session;

/// How what dead runs left is mended.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecoverOptions {
    /// Ends the run from outside.
    pub control: RunControl,
}

impl RecoverOptions {
    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone() }
    }
}

#[async_trait]
impl Work for RecoverOptions {
    fn operation(&self) -> Operation {
        Operation::Recover
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Recover
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        engine.recovered(plan, cx, run).await
    }
}

impl Engine {
    /// Mends what dead runs left in the target of this plan; never touches what a live run holds. Dropping the future cancels
    /// it.
    pub async fn recover(&self, plan: &Plan, options: &RecoverOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }

    async fn recovered(&self, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        // What was stopped comes before what lies in the store.
        if plan.adapter.cleanup_stale().is_some() {
            let mut session = self.open(plan, cx, run).await?;
            let result = caught(self.cleaned_up_in(session.as_mut(), plan, cx, run)).await;
            target::close(session, run).await;
            result?;
        } else {
            run.report.recovered = unless_cancelled(cx, plan.transport.recover(cx)).await?;
        }
        orphans(plan, cx, run).await
    }

    async fn cleaned_up_in(
        &self,
        session: &mut dyn Session,
        plan: &Plan,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let mut agent = unless_cancelled(cx, self.agent_at(session, cx)).await?;
        cx.events.phase(Phase::Checking);
        let removed = agent.cleaned_up(plan.adapter.as_ref(), cx).await;
        agent.quit().await;
        run.report.recovered.extend(removed?);
        Ok(())
    }
}

async fn orphans(plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
    let orphans = match unless_cancelled(cx, async { Ok::<_, RunError>(plan.sink.orphans().await) }).await? {
        Ok(orphans) => orphans,
        // Keys that may only write are right for a backup.
        Err(error) if error.kind() == SinkErrorKind::Forbidden => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for orphan in orphans {
        run.warn(format!(
            "{} ({} bytes) belongs to no version: left behind by a killed run",
            orphan.location, orphan.size
        ));
    }
    Ok(())
}

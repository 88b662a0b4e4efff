//! Reading a stored message to its end: authenticated, decompressed, measured.

use super::backup::unless_cancelled;
use super::ended::Run;
use super::read::Reading;
use super::restore::nothing;
use super::{Ended, Engine, RunError};
use crate::event::Phase;
use crate::link::Deliver;
use crate::plan::Plan;
use crate::run::RunContext;
use crate::sink::VersionSelector;

impl Engine {
    /// Reads a version to its end on this host and says how much it holds. Nothing is written anywhere.
    pub async fn verify(&self, plan: &Plan, version: VersionSelector, cx: &RunContext) -> Ended {
        Run::of("verify", plan, cx, async |run| self.verified(plan, version, cx, run).await).await
    }

    async fn verified(
        &self,
        plan: &Plan,
        version: VersionSelector,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let found = unless_cancelled(cx, self.find(plan, version)).await?;
        run.report.version = Some(found.number.to_string());
        let mut agent = self.agent_here().await?;
        cx.events.phase(Phase::Proving);
        let mut reading = Reading { plan, cx, agent: &mut agent, found: &found, granted: None };
        let read = reading.run(Deliver::Measure, None, nothing).await;
        agent.quit().await;
        let read = read?;
        run.report.plain_bytes = read.plain;
        run.report.stored_bytes = read.stored;
        run.report.sha256 = Some(read.sha256);
        Ok(())
    }
}

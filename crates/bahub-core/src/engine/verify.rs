//! Reading a stored message to its end: authenticated, decompressed, measured.

use async_trait::async_trait;

use super::control::{RunControl, unless_cancelled};
use super::error::RunError;
use super::outcome::RunOutcome;
use super::read::{Content, Reading};
use super::run::{Run, Work};
use super::runner::Engine;
use crate::event::{Operation, Phase};
use crate::link::Deliver;
use crate::plan::Plan;
use crate::run::{RunContext, RunPurpose};
use crate::sink::VersionSelector;

/// What is verified.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// The version.
    pub version: VersionSelector,
    /// Ends the run from outside.
    pub control: RunControl,
}

impl VerifyOptions {
    /// Verifies this version.
    pub fn of(version: VersionSelector) -> Self {
        Self { version, ..Self::default() }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

#[async_trait]
impl Work for VerifyOptions {
    fn operation(&self) -> Operation {
        Operation::Verify
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Restore
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        let what = (Phase::Proving, Deliver::Measure, Content::Rejected);
        engine.read_here(plan, self.version, what, cx, run).await
    }
}

impl Engine {
    /// Reads a version to its end on this host and measures it. Nothing is written anywhere. Dropping the future cancels it.
    pub async fn verify(&self, plan: &Plan, options: &VerifyOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }

    /// Reads a version to its end by an agent on this host; the report says what it was.
    pub(super) async fn read_here(
        &self,
        plan: &Plan,
        version: VersionSelector,
        (phase, deliver, content): (Phase, Deliver, Content<'_>),
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let found = unless_cancelled(cx, self.find(plan, version)).await?;
        run.report.version = Some(found.number);
        cx.events.phase(phase);
        let mut agent = self.agent_here().await?;
        let mut reading = Reading { plan, cx, agent: &mut agent, found: &found, granted: None };
        let read = reading.run(deliver, None, content).await;
        agent.quit().await;
        let read = read?;
        run.missing_in_version(read.missing);
        run.report.plain_bytes = read.plain;
        run.report.stored_bytes = read.stored;
        run.report.sha256 = Some(read.sha256);
        Ok(())
    }
}

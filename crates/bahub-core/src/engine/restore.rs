//! A restore: proven first, then put back, and completed only by a proven end.

use super::backup::unless_cancelled;
use super::ended::Run;
use super::lock::RunLock;
use super::read::Reading;
use super::version::Found;
use super::{Ended, Engine, RunError, route};
use crate::event::Phase;
use crate::link::Deliver;
use crate::plan::Plan;
use crate::replay::{ReplayTarget, Stored};
use crate::run::RunContext;
use crate::sink::{Purpose, VersionSelector};

/// What a restore is asked for.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// The version.
    pub version: VersionSelector,
    /// Where it goes, and how much of it.
    pub target: ReplayTarget,
    /// Do without the first pass that proves the message before anything is touched.
    pub stream: bool,
}

impl Engine {
    /// Puts a version back.
    ///
    /// The message is read to its end and its integrity checked before the first program of the restore starts, and
    /// read again for the restore, which is completed only if the same SHA-256 came out.
    pub async fn restore(&self, plan: &Plan, options: &RestoreOptions, cx: &RunContext) -> Ended {
        Run::of("restore", plan, cx, async |run| self.locked_restore(plan, options, cx, run).await).await
    }

    async fn locked_restore(
        &self,
        plan: &Plan,
        options: &RestoreOptions,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let _lock = RunLock::take(&self.lock_folder, &plan.sink.identity(), cx)?;
        let found = unless_cancelled(cx, self.find(plan, options.version)).await?;
        run.report.version = Some(found.number.to_string());
        self.in_place(plan, cx, run, async |session, agent, run| {
            let (findings, tools) = agent.probe(plan.adapter.as_ref(), cx).await?;
            run.report.tools = tools.0;
            agent.sweep(plan.adapter.as_ref(), cx, run).await?;
            let target = ReplayTarget { run: cx.id.clone(), ..options.target.clone() };
            // What cannot be is refused before anything is read.
            plan.adapter.replay(&target, &findings, &Stored::default())?;
            let granted = unless_cancelled(cx, route::choose(plan, agent, Purpose::Download(found.number))).await?;
            let stored = if options.stream { self.peek(plan, &found, cx).await? } else { Stored::default() };
            let mut reading = Reading { plan, cx, agent, found: &found, granted };
            run.report.route = Some(route::name_of(reading.granted.as_ref()));
            let mut proof = None;
            if !options.stream {
                cx.events.phase(Phase::Proving);
                proof = Some(reading.run(Deliver::Prove, None, nothing).await?);
            }
            let stored = proof.as_ref().map_or(&stored, |proof| &proof.stored_content);
            let mut replay = plan.adapter.replay(&target, &findings, stored)?;
            proof.as_ref().map_or(Ok(()), |proof| proof.ended_with(replay.trailer.as_ref()))?;
            reading.agent.shield(replay.steps_mut(), cx);
            let (sha256, told) = proof.map(|proof| (proof.sha256, proof.warnings)).unzip();
            cx.events.phase(Phase::Quiescing);
            session.quiesce().await?;
            cx.events.phase(Phase::Replaying);
            let restored = reading.run(Deliver::Replay(Box::new(replay)), sha256, nothing).await?;
            run.report.route = Some(route::name_of(reading.granted.as_ref()));
            run.report.plain_bytes = restored.plain;
            run.report.stored_bytes = restored.stored;
            run.report.sha256 = Some(restored.sha256);
            for warning in told.into_iter().flatten().chain(restored.warnings) {
                run.warn(warning);
            }
            Ok(())
        })
        .await
    }
}

impl Engine {
    /// What a version says of itself at its head, by an agent of its own here; nothing of it is proven.
    pub(super) async fn peek(&self, plan: &Plan, found: &Found, cx: &RunContext) -> Result<Stored, RunError> {
        let mut agent = self.agent_here().await?;
        let peeked =
            Reading { plan, cx, agent: &mut agent, found, granted: None }.run(Deliver::Peek, None, nothing).await;
        agent.quit().await;
        Ok(peeked?.stored_content)
    }
}

/// Takes what is delivered to the controller where nothing is.
pub(super) async fn nothing(_: bytes::Bytes) -> Result<(), RunError> {
    Err(super::agent::nonsense())
}

//! The two passes over a message: the first proves it, the second puts it back.

use super::read::{Content, Reading, Readings};
use super::run::Run;
use super::version::ResolvedVersion;
use super::{Engine, RunError, route};
use crate::adapter::Findings;
use crate::event::{Events, Phase};
use crate::link::Deliver;
use crate::plan::Plan;
use crate::replay::{Replay, ReplayTarget, Stored};
use crate::run::RunContext;

/// What was learnt of a message before it is put back.
pub(super) struct Proven {
    /// Its SHA-256, where a first pass has verified it.
    pub(super) sha256: Option<String>,
    pub(super) stored: Stored,
    readings: Option<Readings>,
}

/// The first pass, unless it is to be done without.
pub(super) async fn prove(
    reading: &mut Reading<'_>,
    stream: bool,
    peeked: Stored,
    run: &mut Run,
) -> Result<Proven, RunError> {
    if stream {
        return Ok(Proven { sha256: None, stored: peeked, readings: None });
    }
    reading.cx.events.phase(Phase::Proving);
    let readings = reading.run(Deliver::Prove, None, Content::Rejected).await?;
    readings.warnings.iter().for_each(|warning| run.warn(warning));
    let (sha256, stored) = (Some(readings.sha256.clone()), readings.stored_content.clone());
    Ok(Proven { sha256, stored, readings: Some(readings) })
}

/// How this version is put back there.
pub(super) fn replay(
    reading: &Reading<'_>,
    target: &ReplayTarget,
    findings: &Findings,
    proven: &Proven,
) -> Result<Replay, RunError> {
    let mut replay = reading.plan.adapter.replay(target, findings, &proven.stored)?;
    proven.readings.as_ref().map_or(Ok(()), |readings| readings.ended_with(replay.trailer.as_ref()))?;
    reading.agent.shield(replay.steps_mut(), reading.cx);
    Ok(replay)
}

/// The second pass, or the only one.
pub(super) async fn put_back(
    reading: &mut Reading<'_>,
    replay: Replay,
    proven: &Proven,
    run: &mut Run,
) -> Result<Readings, RunError> {
    let restored = reading.run(Deliver::Replay(Box::new(replay)), proven.sha256.clone(), Content::Rejected).await?;
    run.report.route = Some(route::kind_of(reading.granted.as_ref()));
    run.report.plain_bytes = restored.plain;
    run.report.stored_bytes = restored.stored;
    run.report.sha256 = Some(restored.sha256.clone());
    restored.warnings.iter().for_each(|warning| run.warn(warning));
    Ok(restored)
}

impl Engine {
    /// What a version says of itself at its head, by an agent of its own here; nothing of it is proven.
    pub(super) async fn peek(&self, plan: &Plan, found: &ResolvedVersion, cx: &RunContext) -> Result<Stored, RunError> {
        // It moves bytes before the run does: nobody's progress.
        let cx = &RunContext { events: Events::ignored(), ..cx.clone() };
        let mut agent = self.agent_here().await?;
        let peeked = Reading { plan, cx, agent: &mut agent, found, granted: None }
            .run(Deliver::Peek, None, Content::Rejected)
            .await;
        agent.quit().await;
        Ok(peeked?.stored_content)
    }
}

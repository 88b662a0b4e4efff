//! A restore: proven first, then put back, and completed only by a proven end.

use super::backup::unless_cancelled;
use super::ended::Run;
use super::lock::RunLock;
use super::read::{Reading, Readings};
use super::version::Found;
use super::{Ended, Engine, RunError, drill, route};
use crate::adapter::Findings;
use crate::event::Phase;
use crate::link::Deliver;
use crate::plan::Plan;
use crate::replay::{Replay, ReplayTarget, Stored};
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
    /// Whether it goes to a place beside the original first.
    pub look: Look,
}

/// Whether a version is restored beside the original, counted, compared with what was counted at its capture, and removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// No.
    #[default]
    No,
    /// First, and then where it belongs, if all of it was there.
    First,
    /// Only: a drill, after which nothing is changed.
    Only,
}

/// What was learnt of a message before it is put back.
pub(super) struct Proven {
    /// Its SHA-256, where a first pass has verified it.
    pub(super) sha256: Option<String>,
    pub(super) stored: Stored,
    readings: Option<Readings>,
}

impl Engine {
    /// Puts a version back, or tries whether it could be.
    ///
    /// The message is read to its end and its integrity checked before the first program of the restore starts, and
    /// read again for the restore, which is completed only if the same SHA-256 came out.
    pub async fn restore(&self, plan: &Plan, options: &RestoreOptions, cx: &RunContext) -> Ended {
        let operation = if options.look == Look::Only { "drill" } else { "restore" };
        Run::of(operation, plan, cx, async |run| self.locked_restore(plan, options, cx, run).await).await
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
            if options.look != Look::Only {
                plan.adapter.replay(&target, &findings, &Stored::default())?;
            }
            let scratch = match options.look {
                Look::No => None,
                Look::First | Look::Only => Some(drill::place(plan, &target, &findings)?),
            };
            let granted = unless_cancelled(cx, route::choose(plan, agent, Purpose::Download(found.number))).await?;
            let peeked = if options.stream { self.peek(plan, &found, cx).await? } else { Stored::default() };
            let mut reading = Reading { plan, cx, agent, found: &found, granted };
            run.report.route = Some(route::name_of(reading.granted.as_ref()));
            let proven = prove(&mut reading, options.stream, peeked, run).await;
            let proven = proven.map_err(|error| error.with_more_help("nothing was restored from this one"))?;
            if let Some(scratch) = scratch {
                drill::run(&mut reading, &scratch, &target, &findings, &proven, run).await?;
            }
            if options.look == Look::Only {
                return Ok(());
            }
            let replay = replay(&reading, &target, &findings, &proven)?;
            cx.events.phase(Phase::Quiescing);
            unless_cancelled(cx, session.quiesce()).await?;
            cx.events.phase(Phase::Replaying);
            let notices = replay.notices.clone();
            let restored = put_back(&mut reading, replay, &proven, run).await;
            let aftermath = |error: RunError| match plan.adapter.aftermath(&target) {
                Some(told) => error.with_more_help(told),
                None => error,
            };
            restored.map_err(aftermath)?;
            unless_cancelled(cx, session.still_quiet()).await.map_err(|error: RunError| {
                error.with_more_help("everything was put back, under something that runs: stop that, and restore again")
            })?;
            notices.iter().for_each(|notice| run.notice(notice));
            Ok(())
        })
        .await
    }
}

/// The first pass, unless it is to be done without.
async fn prove(reading: &mut Reading<'_>, stream: bool, peeked: Stored, run: &mut Run) -> Result<Proven, RunError> {
    if stream {
        return Ok(Proven { sha256: None, stored: peeked, readings: None });
    }
    reading.cx.events.phase(Phase::Proving);
    let readings = reading.run(Deliver::Prove, None, nothing).await?;
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
    let restored = reading.run(Deliver::Replay(Box::new(replay)), proven.sha256.clone(), nothing).await?;
    run.report.route = Some(route::name_of(reading.granted.as_ref()));
    run.report.plain_bytes = restored.plain;
    run.report.stored_bytes = restored.stored;
    run.report.sha256 = Some(restored.sha256.clone());
    restored.warnings.iter().for_each(|warning| run.warn(warning));
    Ok(restored)
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

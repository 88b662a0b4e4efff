//! The two passes over a message: the first proves it, the second puts it back.

use super::error::{RunError, RunErrorKind};
use super::read::{Content, Reading, Readings};
use super::route;
use super::run::Run;
use super::runner::Engine;
use super::version::ResolvedVersion;
use crate::adapter::{AdapterCapability, Findings};
use crate::event::{Events, Phase};
use crate::link::Deliver;
use crate::plan::Plan;
use crate::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use crate::run::RunContext;

/// What was learnt of a message before it is put back.
pub(super) struct Proven {
    /// Its SHA-256, where a first pass has verified it.
    pub(super) sha256: Option<String>,
    pub(super) stored: Stored,
    readings: Option<Readings>,
}

/// The first pass, unless it is skipped.
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
    let deliver = if reading.found.missing > 0 { Deliver::ProveFacts } else { Deliver::Prove };
    let readings = reading.run(deliver, None, Content::Rejected).await?;
    run.missing_in_version(readings.missing.clone());
    readings.warnings.iter().for_each(|warning| run.warn(warning));
    let (sha256, stored) = (Some(readings.sha256.clone()), readings.stored_content.clone());
    Ok(Proven { sha256, stored, readings: Some(readings) })
}

/// What the adapter wants done for a restore there. An adapter that ignores a request outside of its capabilities would
/// do something else than what was asked for.
pub(super) fn asked_of(
    plan: &Plan,
    target: &ReplayTarget,
    findings: &Findings,
    stored: &Stored,
) -> Result<Replay, Unsupported> {
    let replay = plan.adapter.replay(target, findings, stored)?;
    match unstated(plan.adapter.capabilities(), target) {
        None => Ok(replay),
        Some((what, help)) => {
            Err(Unsupported { what: format!("the adapter {} {what}", plan.adapter_type), help: help.into() })
        }
    }
}

/// How this adapter restores without touching the original, for an advice.
pub(super) fn beside(capabilities: &[AdapterCapability]) -> &'static str {
    let ways = [
        (AdapterCapability::Directory, "{restore elsewhere}"),
        (AdapterCapability::Database, "{restore under another name}"),
    ];
    let way = ways.iter().find(|(needed, _)| capabilities.contains(needed));
    way.map_or("restore on another server", |(_, way)| *way)
}

/// What a restore asks for that the capabilities do not hold.
fn unstated(capabilities: &[AdapterCapability], target: &ReplayTarget) -> Option<(&'static str, String)> {
    let is_directory = matches!(target.location, RestoreTarget::Directory(_));
    let is_database = matches!(target.location, RestoreTarget::Database(_));
    let look_first = format!(
        "leave out that option; or {} and check the data before overwriting the original",
        beside(capabilities)
    );
    let asked = [
        (
            is_directory,
            AdapterCapability::Directory,
            "does not restore into a directory",
            "restore to the original location",
        ),
        (
            is_database,
            AdapterCapability::Database,
            "does not restore into a database",
            "restore to the original location",
        ),
        (
            !target.members.is_empty(),
            AdapterCapability::Members,
            "cannot restore only a part of a backup",
            "restore all of it",
        ),
        (
            target.in_place,
            AdapterCapability::InPlace,
            "always restores in place",
            "leave out that option: there is no alternative",
        ),
        (target.keep_old, AdapterCapability::KeepOld, "does not keep the old data", &look_first),
        (
            target.with_roles,
            AdapterCapability::Roles,
            "does not restore roles or users",
            "leave out that option, or restore them with a spec that backs them up",
        ),
    ];
    let (.., what, help) =
        asked.into_iter().find(|(is_asked, needed, ..)| *is_asked && !capabilities.contains(needed))?;
    Some((what, help.to_owned()))
}

/// How this version is put back there.
pub(super) fn replay(
    reading: &Reading<'_>,
    target: &ReplayTarget,
    findings: &Findings,
    proven: &Proven,
) -> Result<Replay, RunError> {
    let mut replay = asked_of(reading.plan, target, findings, &proven.stored)?;
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
    let restored = reading.run(Deliver::Replay(Box::new(replay)), proven.sha256.clone(), Content::Rejected).await;
    let restored = restored.map_err(|error| match error.kind() {
        RunErrorKind::Agent => error.with_help(
            "an agent that loses its connection stops its programs; whether the restore had taken effect by then is unknown: \
             look at the data before you repeat it",
        ),
        _ => error,
    })?;
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
        // Its bytes do not count as progress of the run.
        let cx = &RunContext { events: Events::ignored(), ..cx.clone() };
        let mut agent = self.agent_here().await?;
        let peeked = Reading { plan, cx, agent: &mut agent, found, granted: None }
            .run(Deliver::Peek, None, Content::Rejected)
            .await;
        agent.quit().await;
        Ok(peeked?.stored_content)
    }
}

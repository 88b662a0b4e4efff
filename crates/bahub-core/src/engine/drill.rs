//! A version, restored beside the original, counted, compared, and removed.

use std::time::{Duration, Instant};

use super::error::{RunError, RunErrorKind};
use super::put_back::{Proven, asked_of, put_back, replay};
use super::read::Reading;
use super::run::Run;
use crate::adapter::{AdapterCapability, Findings};
use crate::census::Counts;
use crate::event::Phase;
use crate::plan::Plan;
use crate::replay::{ReplayTarget, Scratch, Stored};
use crate::report::Drill;

/// How long counting may take.
const CENSUS: Duration = Duration::from_secs(3600);
/// How long the removal of what was restored may take.
const REMOVAL: Duration = Duration::from_secs(300);

/// At most this many names or differences are listed.
const MAX_LISTED: usize = 10;

/// Where it is restored to; refused before anything is read, where there can be none.
pub(super) fn scratch(plan: &Plan, target: &ReplayTarget, findings: &Findings) -> Result<Scratch, RunError> {
    let scratch = plan.adapter.scratch(&target.run)?;
    if !plan.adapter.capabilities().contains(&AdapterCapability::Scratch) {
        let message = format!("the adapter {} does not restore beside the original", plan.adapter_type);
        return Err(RunError::new(RunErrorKind::Unsupported, message).with_help("restore it without a drill"));
    }
    asked_of(plan, &beside(&scratch, target), findings, &Stored::default())?;
    Ok(scratch)
}

fn beside(scratch: &Scratch, target: &ReplayTarget) -> ReplayTarget {
    let ReplayTarget { members, run, .. } = target.clone();
    ReplayTarget { members, run, ..ReplayTarget::at(scratch.location.clone()) }
}

/// Tries the parts of a version one after the other, or the whole of one that has none. What is wrong with one keeps no other from being
/// tried.
pub(super) async fn each(
    reading: &mut Reading<'_>,
    scratch: &Scratch,
    target: &ReplayTarget,
    findings: &Findings,
    proven: &Proven,
    told: &mut Run,
) -> Result<(), RunError> {
    let parts = if target.members.is_empty() { reading.plan.adapter.drill_parts(&proven.stored) } else { Vec::new() };
    if parts.is_empty() {
        return run(reading, scratch, target, findings, proven, told).await;
    }
    let (mut sum, mut wrong): (Option<Drill>, Vec<RunError>) = (None, Vec::new());
    for part in parts {
        let name = part.to_string_lossy().into_owned();
        let target = ReplayTarget { members: vec![part], ..target.clone() };
        let tried = run(reading, scratch, &target, findings, proven, told).await;
        sum = match (sum, told.report.drill.take()) {
            (Some(sum), Some(one)) => Some(Drill {
                things: sum.things + one.things,
                count: sum.count + one.count,
                compared: sum.compared && one.compared,
                seconds: sum.seconds + one.seconds,
                units: sum.units,
            }),
            (sum, one) => one.or(sum),
        };
        match tried {
            Err(error) if error.kind() == RunErrorKind::Cancelled => return Err(error),
            Err(error) => {
                let help = error.help().cloned();
                wrong.push(RunError::new(error.kind(), format!("{name}: {}", error.chain())).with_help_opt(help));
            }
            Ok(()) => {}
        }
    }
    told.report.drill = sum;
    let mut wrong = wrong.into_iter();
    let Some(first) = wrong.next() else { return Ok(()) };
    let others = wrong.map(|error| format!("; {}", error.chain())).collect::<String>();
    let help = first.help().cloned();
    Err(RunError::new(first.kind(), format!("{}{others}", first.chain())).with_help_opt(help))
}

/// Restores there, counts, compares; what was restored is removed whatever came of it.
async fn run(
    reading: &mut Reading<'_>,
    scratch: &Scratch,
    target: &ReplayTarget,
    findings: &Findings,
    proven: &Proven,
    run: &mut Run,
) -> Result<(), RunError> {
    reading.cx.events.phase(Phase::Drilling);
    let result = looked_at(reading, &beside(scratch, target), findings, proven, run).await;
    let (plan, cx) = (reading.plan, reading.cx);
    // A run that is cancelled removes it all the same.
    let removing = crate::run::RunContext { cancel: Default::default(), ..cx.clone() };
    let removed = reading.agent.lines(scratch.removal.clone(), REMOVAL, plan.adapter.as_ref(), &removing).await;
    if let Err(error) = removed {
        run.warn(format!("the test restore was not removed, which is left to the next run: {error}"));
    }
    result
}

async fn looked_at(
    reading: &mut Reading<'_>,
    target: &ReplayTarget,
    findings: &Findings,
    proven: &Proven,
    run: &mut Run,
) -> Result<(), RunError> {
    let replay = replay(reading, target, findings, proven)?;
    let began = Instant::now();
    let restored = put_back(reading, replay, proven, run).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (plan, cx) = (reading.plan, reading.cx);
    let units = plan.adapter.census_units();
    let Some(census) = plan.adapter.census(target) else {
        run.report.drill = Some(Drill { things: 0, count: 0, units, compared: false, seconds });
        run.warn("the restored data was not compared: this backup has no counts");
        return Ok(());
    };
    let lines = reading.agent.lines(census, CENSUS, plan.adapter.as_ref(), cx).await?;
    let counts = Counts::parse(&lines).map_err(|why| {
        RunError::new(RunErrorKind::Program, format!("the counts of the restored data cannot be read: {why}"))
    })?;
    let captured = restored
        .census
        .as_ref()
        .and_then(|[before, after]| Some((Counts::parse(before).ok()?, Counts::parse(after).ok()?)));
    let captured = match plan.adapter.census_prefix(target) {
        Some(prefix) => captured.map(|(before, after)| (before.of(&prefix), after.of(&prefix))),
        None => captured,
    };
    // What was not counted proves nothing.
    let captured = captured.filter(|(before, after)| counts.is_empty() || !before.is_empty() || !after.is_empty());
    let left_out = units.smallest().to_owned();
    run.report.drill =
        Some(Drill { things: counts.things(), count: counts.sum(), units, compared: captured.is_some(), seconds });
    let Some((before, after)) = captured else {
        run.warn("the restored data was not compared: the version has no counts from when it was made");
        return Ok(());
    };
    let unknown = Counts::unknown([&counts, &before, &after]);
    if !unknown.is_empty() {
        let unknown = listed(unknown.into_iter().map(str::to_owned).collect());
        run.warn(format!("not compared, because the user cannot see all {left_out}: {unknown}"));
    }
    let wrong = counts.differences(&before, &after);
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!("the restored data differs from the backed-up data: {}", listed(wrong));
    let help = format!(
        "try another version; and check for triggers, policies or programs of another release that leave {left_out} out"
    );
    Err(RunError::new(RunErrorKind::Integrity, message).with_help(help))
}

/// The first of these, and how many more there are.
fn listed(all: Vec<String>) -> String {
    let more = all.len().saturating_sub(MAX_LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", all[..all.len().min(MAX_LISTED)].join("; "))
}

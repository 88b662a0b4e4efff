//! Removing versions that the retention policy does not keep.

use async_trait::async_trait;

use super::control::{RunControl, cancelled};
use super::error::{RunError, RunErrorKind};
use super::lock::RunLock;
use super::outcome::RunOutcome;
use super::run::{Run, Work};
use super::runner::Engine;
use crate::event::{Operation, Phase};
use crate::plan::Plan;
use crate::report::{Kept, Pruned, Retained};
use crate::run::{RunContext, RunPurpose};
use crate::sink::{SinkError, SinkErrorKind, VersionNumber};

/// How versions are removed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PruneOptions {
    /// Decides and removes nothing.
    pub dry_run: bool,
    /// Ends the run from outside.
    pub control: RunControl,
}

impl PruneOptions {
    /// Decides and removes nothing.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

#[async_trait]
impl Work for PruneOptions {
    fn operation(&self) -> Operation {
        Operation::Prune
    }

    fn purpose(&self) -> RunPurpose {
        // Only the store is touched.
        RunPurpose::Backup
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        let _lock = RunLock::of(engine.lock_folder.as_deref(), plan, cx)?;
        let pruned = prune(plan, cx, run, self.dry_run).await;
        let none_went = run
            .report
            .pruned
            .as_ref()
            .is_some_and(|pruned| !pruned.dry_run && pruned.removed.is_empty() && !pruned.retained.is_empty());
        pruned?;
        if none_went {
            let message = "the store removed none of the versions that the retention does not keep";
            let help = "the report has its reason for each; check what the credentials of `access` may do";
            return Err(RunError::new(RunErrorKind::Store, message).with_help(help));
        }
        Ok(())
    }
}

impl Engine {
    /// Removes what the plan's [`Retention`](crate::retention::Retention) does not keep, inside the run lock, the oldest first; a backup
    /// does the same after its commit. [`Report::pruned`](crate::report::Report::pruned) says what became of each version.
    ///
    /// A run that is cancelled or broken off has removed some of them, and every version that is listed is whole.
    pub async fn prune(&self, plan: &Plan, options: &PruneOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }
}

/// Removes old versions after a commit, unless the run failed all the same. That this fails is no failure of the backup.
pub(super) async fn after_commit(plan: &Plan, cx: &RunContext, run: &mut Run) {
    if plan.retention.is_none() || run.has_left_something() {
        return;
    }
    if let Err(error) = prune(plan, cx, run, false).await {
        run.warn(format!("old versions were not removed: {}", error.chain()));
    }
}

async fn prune(plan: &Plan, cx: &RunContext, run: &mut Run, dry_run: bool) -> Result<(), RunError> {
    let Some(retention) = &plan.retention else {
        let message = format!("the backup {} has no `retention`: all its versions are kept", plan.name);
        return Err(RunError::new(RunErrorKind::Unsupported, message).with_help("set `retention` in its meta"));
    };
    cx.events.phase(Phase::Pruning);
    let listed = plan.sink.list().await?;
    let decision = retention.decide(&listed, jiff::Timestamp::now(), &plan.time_zone);
    let kept = decision.verdicts.iter().filter(|verdict| verdict.is_kept());
    let kept = kept.map(|verdict| Kept {
        version: verdict.version.number,
        reasons: verdict.reasons.iter().map(ToString::to_string).collect(),
    });
    let mut pruned =
        Pruned { dry_run, kept: kept.collect(), removed: Vec::new(), retained: Vec::new(), leftovers: Vec::new() };
    if let Some(shrunk) = &decision.shrunk {
        run.warn(format!("no old version is removed: {shrunk} (`min_size_ratio`)"));
    }
    let removals: Vec<_> = decision.removals().map(|version| version.number).collect();
    let expected = removals.len();
    let result = if dry_run {
        pruned.removed = removals;
        Ok(())
    } else {
        remove(plan, cx, &removals, &mut pruned).await
    };
    if let [first, ..] = pruned.retained.as_slice() {
        let (count, reason) = (pruned.retained.len(), &first.reason);
        run.warn(format!("{count} of {expected} old versions stay in the store: {reason}"));
    }
    if result.is_ok() {
        // The message of a version that cannot be read is named by none: it must not go for a leftover.
        let is_readable = listed.iter().all(|version| version.damage.is_none());
        match leftovers(plan, dry_run || !is_readable).await {
            Ok(found) if is_readable => pruned.leftovers = found,
            Ok(found) if found.is_empty() => {}
            Ok(_) => run.warn("leftovers of dead runs are not removed while a version cannot be read"),
            Err(error) => run.warn(format!("leftovers of dead runs were not removed: {}", error.chain())),
        }
    }
    run.report.pruned = Some(pruned);
    result
}

async fn leftovers(plan: &Plan, look_only: bool) -> Result<Vec<String>, SinkError> {
    let orphans = if look_only { plan.sink.orphans().await } else { plan.sink.remove_orphans().await };
    Ok(orphans?.into_iter().map(|orphan| orphan.location).collect())
}

/// Removes them, and looks what is left: a store may say that it removed what it keeps.
async fn remove(plan: &Plan, cx: &RunContext, removals: &[VersionNumber], pruned: &mut Pruned) -> Result<(), RunError> {
    for &version in removals {
        if cx.cancel.is_cancelled() {
            return Err(cancelled());
        }
        crate::fault_point("prune.version");
        match plan.sink.remove(version).await {
            Ok(()) => pruned.removed.push(version),
            // Somebody else was quicker.
            Err(error) if error.kind() == SinkErrorKind::NotFound => pruned.removed.push(version),
            // A lock on the object, or a right that the credentials lack: the others may go.
            Err(error) if matches!(error.kind(), SinkErrorKind::Forbidden | SinkErrorKind::Refused) => {
                pruned.retained.push(Retained { version, reason: error.chain() });
            }
            Err(error) => return Err(error.into()),
        }
    }
    if pruned.removed.is_empty() {
        return Ok(());
    }
    crate::fault_point("prune.removed");
    let left = plan.sink.list().await?;
    let (stayed, gone) = std::mem::take(&mut pruned.removed)
        .into_iter()
        .partition::<Vec<_>, _>(|removed| left.iter().any(|version| version.number == *removed));
    pruned.removed = gone;
    let reason = || "the store says that it was removed, and lists it".to_owned();
    pruned.retained.extend(stayed.into_iter().map(|version| Retained { version, reason: reason() }));
    Ok(())
}

//! A restore: proven first, then put back, and completed only by a proven end.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::agent::Agent;
use super::control::{RunControl, unless_cancelled};
use super::error::{RunError, RunErrorKind};
use super::lock::RunLock;
use super::outcome::RunOutcome;
use super::put_back::{asked_of, beside, prove, put_back, replay};
use super::read::Reading;
use super::run::{Run, Work};
use super::runner::Engine;
use super::target::{self, caught, identify, paths_of};
use super::version::ResolvedVersion;
use super::{drill, route};
use crate::event::{Operation, Phase};
use crate::instance::{Difference, Identity, InstanceKind};
use crate::plan::Plan;
use crate::replay::{ReplayTarget, RestoreTarget, Stored};
use crate::run::{RunContext, RunPurpose};
use crate::sink::{Purpose, VersionSelector};
use crate::transport::Session;

/// What a restore is asked for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// The version.
    pub version: VersionSelector,
    /// Where it goes, and how much of it.
    pub target: ReplayTarget,
    /// Do without the first pass that proves the message before anything is touched.
    pub stream: bool,
    /// Whether it is restored beside the original first.
    pub mode: RestoreMode,
    /// What to do where the original place is another instance than the one that the version came from.
    pub other_instance: OtherInstance,
    /// Ends the run from outside.
    pub control: RunControl,
}

impl RestoreOptions {
    /// Restores this version.
    #[must_use]
    pub fn version(self, version: VersionSelector) -> Self {
        Self { version, ..self }
    }

    /// Restores to this target.
    #[must_use]
    pub fn to(self, target: ReplayTarget) -> Self {
        Self { target, ..self }
    }

    /// Does without the first pass.
    #[must_use]
    pub fn streamed(self, stream: bool) -> Self {
        Self { stream, ..self }
    }

    /// Restores beside the original first, or only.
    #[must_use]
    pub fn mode(self, mode: RestoreMode) -> Self {
        Self { mode, ..self }
    }

    /// Decides about a target that is another instance than the version's.
    #[must_use]
    pub fn other_instance(self, other_instance: OtherInstance) -> Self {
        Self { other_instance, ..self }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

/// Whether a version is restored beside the original, counted, compared with what was counted at its capture, and removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestoreMode {
    /// No.
    #[default]
    Direct,
    /// First, and then where it belongs, if all of it was there.
    ScratchFirst,
    /// Only: a drill, after which nothing is changed.
    DrillOnly,
}

/// What to do where a version would overwrite the data of another instance than the one that it came from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum OtherInstance {
    /// Refuse.
    #[default]
    Refuse,
    /// Restore to another instance of the same workload; refuse any other.
    SameWorkload,
    /// Restore to whatever instance there is.
    Any,
    /// Ask.
    Ask(Arc<dyn Confirm>),
}

/// Asks a person for a decision.
#[async_trait]
pub trait Confirm: Debug + Send + Sync {
    /// Whether a version of one instance may overwrite the data of another one. Nothing was stopped or changed yet; the run waits
    /// for the answer as long as it takes, or until it is cancelled.
    async fn restore_to(&self, target: &Identity, version_of: &Identity) -> bool;
}

#[async_trait]
impl Work for RestoreOptions {
    fn operation(&self) -> Operation {
        if self.mode == RestoreMode::DrillOnly { Operation::Drill } else { Operation::Restore }
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Restore
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        engine.locked_restore(plan, self, cx, run).await
    }
}

impl Engine {
    /// Puts a version back, or tries whether it could be.
    ///
    /// The message is read to its end and its integrity checked before the first program of the restore starts, and
    /// read again for the restore, which is completed only if the same SHA-256 came out. Dropping the future cancels it, and
    /// what was stopped is started again.
    pub async fn restore(&self, plan: &Plan, options: &RestoreOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }

    async fn locked_restore(
        &self,
        plan: &Plan,
        options: &RestoreOptions,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let _lock = RunLock::of(self.lock_folder.as_deref(), plan, cx)?;
        let found = unless_cancelled(cx, self.find(plan, options.version)).await?;
        run.report.version = Some(found.number);
        let peeked = self.peeked(plan, options, &found, cx).await?;
        let version_of = found.instance.clone().or_else(|| peeked.instance.clone());
        let required_paths = paths_of(plan, &options.target);
        let cx = &RunContext { required_paths, version_of, ..cx.clone() };
        let mut session = self.open(plan, cx, run).await?;
        let result = caught(self.restore_in(session.as_mut(), options, &found, peeked, plan, cx, run)).await;
        target::close(session, run).await;
        result
    }

    /// What the message says of itself, where the store's description of it is not enough to begin with.
    async fn peeked(
        &self,
        plan: &Plan,
        options: &RestoreOptions,
        found: &ResolvedVersion,
        cx: &RunContext,
    ) -> Result<Stored, RunError> {
        if options.stream {
            return self.peek(plan, found, cx).await;
        }
        if found.instance.is_some() || !overwrites(options) {
            return Ok(Stored::default());
        }
        match self.peek(plan, found, cx).await {
            // A message whose head cannot be read is refused by the proof, with a better error.
            Err(error) if error.kind() != RunErrorKind::Cancelled => Ok(Stored::default()),
            peeked => peeked,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a restore is made of, each owned by the caller")]
    async fn restore_in(
        &self,
        session: &mut dyn Session,
        options: &RestoreOptions,
        found: &ResolvedVersion,
        peeked: Stored,
        plan: &Plan,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let identity = identify(session, cx, run).await?;
        if overwrites(options) {
            admit((plan, options), &identity, cx.version_of.as_ref(), cx, run).await?;
        }
        let mut agent = unless_cancelled(cx, self.agent_at(session, cx)).await?;
        cx.events.phase(Phase::Checking);
        let restoring = Restoring { plan, cx, options, found, session, identity: &identity };
        let result = caught(restoring.run(&mut agent, peeked, run)).await;
        agent.quit().await;
        result
    }
}

/// Whether what is there is overwritten.
fn overwrites(options: &RestoreOptions) -> bool {
    options.mode != RestoreMode::DrillOnly && options.target.location == RestoreTarget::Original
}

/// Refuses, or asks about, a target that is another instance than the version's.
async fn admit(
    (plan, options): (&Plan, &RestoreOptions),
    target: &Identity,
    version_of: Option<&Identity>,
    cx: &RunContext,
    run: &mut Run,
) -> Result<(), RunError> {
    let Some((version_of, mut difference)) = version_of.and_then(|of| Some((of, target.differs_from(of)?))) else {
        return Ok(());
    };
    // What has no paths speaks to a server, which may be anywhere: the host that it does that from says little.
    if cx.required_paths.is_empty() && target.kind == InstanceKind::Host {
        difference = Difference::Instance;
    }
    let message = format!("the version is a backup of {version_of} and would overwrite the data of {target}");
    let admitted = match (&options.other_instance, difference) {
        (OtherInstance::Any, _) | (OtherInstance::SameWorkload, Difference::Instance) => true,
        (OtherInstance::Ask(confirm), _) => {
            let asked = async { Ok::<_, RunError>(confirm.restore_to(target, version_of).await) };
            unless_cancelled(cx, asked).await?
        }
        (OtherInstance::Refuse | OtherInstance::SameWorkload, _) => false,
    };
    if admitted {
        run.notice(&message);
        return Ok(());
    }
    let otherwise = beside(plan.adapter.capabilities());
    let help = format!("nothing was changed; if this is intended, {{admit the other instance}}; otherwise {otherwise}");
    Err(RunError::new(RunErrorKind::Declined, message).with_help(help))
}

/// A restore in an open target.
struct Restoring<'a> {
    plan: &'a Plan,
    cx: &'a RunContext,
    options: &'a RestoreOptions,
    found: &'a ResolvedVersion,
    session: &'a mut dyn Session,
    identity: &'a Identity,
}

impl Restoring<'_> {
    async fn run(self, agent: &mut Agent, peeked: Stored, run: &mut Run) -> Result<(), RunError> {
        let Self { plan, cx, options, found, session, identity } = self;
        let (findings, tools) = agent.probe(plan.adapter.as_ref(), cx).await?;
        run.report.tools = tools.0;
        agent.cleanup_stale(plan.adapter.as_ref(), cx, run).await?;
        let target = ReplayTarget { run: cx.id.clone(), ..options.target.clone() };
        // An impossible restore is refused before anything is read.
        if options.mode != RestoreMode::DrillOnly {
            asked_of(plan, &target, &findings, &Stored::default())?;
        }
        let scratch = match options.mode {
            RestoreMode::Direct => None,
            RestoreMode::ScratchFirst | RestoreMode::DrillOnly => Some(drill::scratch(plan, &target, &findings)?),
        };
        let granted = unless_cancelled(cx, route::choose(plan, agent, Purpose::Download(found.number))).await?;
        let mut reading = Reading { plan, cx, agent, found, granted };
        run.report.route = Some(route::kind_of(reading.granted.as_ref()));
        let proven = prove(&mut reading, options.stream, peeked, run).await;
        let proven = proven.map_err(|error| error.with_more_help("nothing was restored from this version"))?;
        // What the message itself says counts more than what stands beside it.
        if overwrites(options) && proven.stored.instance.as_ref().is_some_and(|of| Some(of) != cx.version_of.as_ref()) {
            admit((plan, options), identity, proven.stored.instance.as_ref(), cx, run).await?;
        }
        if let Some(scratch) = scratch {
            drill::each(&mut reading, &scratch, &target, &findings, &proven, run).await?;
        }
        if options.mode == RestoreMode::DrillOnly {
            return Ok(());
        }
        let replay = replay(&reading, &target, &findings, &proven)?;
        cx.events.phase(Phase::Quiescing);
        unless_cancelled(cx, session.quiesce()).await.map_err(|error| target::begun(error, cx))?;
        cx.events.phase(Phase::Replaying);
        let note = replay.failure_note.clone();
        let notices = replay.notices.clone();
        put_back(&mut reading, replay, &proven, run).await.map_err(|error| match (note, error.kind()) {
            // What such a restore leaves behind is not known, and the error says so.
            (_, RunErrorKind::Unknown | RunErrorKind::Agent) | (None, _) => error,
            (Some(note), _) => error.with_more_help(note),
        })?;
        // From here on a cancellation comes too late: what was asked for is done.
        session.verify_quiesced().await.map_err(|error| {
            let error = RunError::from(error);
            target::disturbed(error).with_more_help(
                "the restore was complete, but something used the data meanwhile: stop it and restore again",
            )
        })?;
        notices.iter().for_each(|notice| run.notice(notice));
        Ok(())
    }
}

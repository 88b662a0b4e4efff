//! A backup: from the plan to a committed version.

use async_trait::async_trait;

use super::agent::Agent;
use super::blocking::off_the_runtime;
use super::capture::{Capturing, Feed};
use super::control::{RunControl, unless_cancelled};
use super::error::{RunError, RunErrorKind};
#[cfg(feature = "hooks")]
use super::hooks::Standing;
use super::lock::RunLock;
use super::outcome::RunOutcome;
#[cfg(feature = "retention")]
use super::prune;
use super::route;
use super::run::{Run, Work};
use super::runner::Engine;
use super::target::{self, caught, identify};
use crate::capture::Capture;
use crate::compression::Algorithm;
use crate::event::{Operation, Phase};
#[cfg(feature = "hooks")]
use crate::hook::HookScope;
use crate::instance::Identity;
use crate::keys::Recipient;
use crate::link::CaptureJob;
use crate::plan::Plan;
use crate::replay::ReplayTarget;
use crate::run::{RunContext, RunPurpose};
use crate::sink::{NewVersion, Purpose, SinkCapability};
use crate::transport::Session;

/// How many days before a recipient's key expires the report warns.
const EXPIRY_WARNING_DAYS: i64 = 30;

/// How a backup is made.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BackupOptions {
    /// Ends the run from outside.
    pub control: RunControl,
    /// Words that the version gets, by which a retention may keep it. Not every store can keep them.
    pub tags: Vec<String>,
}

impl BackupOptions {
    /// Gives the version these words.
    #[must_use]
    pub fn tagged(self, tags: Vec<String>) -> Self {
        Self { tags, ..self }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

#[async_trait]
impl Work for BackupOptions {
    fn operation(&self) -> Operation {
        Operation::Backup
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Backup
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        #[cfg(feature = "retention")]
        if !self.tags.is_empty() && !plan.sink.capabilities().contains(&SinkCapability::Tags) {
            let message = format!("the store {} cannot keep the tags of a version", plan.sink.identity());
            let help = "make it without tags, or use a store with version files: a directory, S3";
            return Err(RunError::new(RunErrorKind::Unsupported, message).with_help(help));
        }
        let _lock = RunLock::of(engine.lock_folder.as_deref(), plan, cx)?;
        #[cfg(feature = "hooks")]
        return engine.hooked_backup(plan, &self.tags, cx, run).await;
        #[cfg(not(feature = "hooks"))]
        engine.locked_backup(plan, &self.tags, cx, run).await
    }
}

/// What is asked of the new version.
struct Wanted {
    recipients: Vec<Recipient>,
    tags: Vec<String>,
}

impl Engine {
    /// Makes a version. What is cancelled, dropped or fails leaves none.
    ///
    /// The work lives in a task of its own: dropping the future cancels it, and it still ends its programs, aborts its upload
    /// and brings the workload back.
    pub async fn backup(&self, plan: &Plan, options: &BackupOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }

    /// Makes the backup between the hooks of the run.
    #[cfg(feature = "hooks")]
    async fn hooked_backup(
        &self,
        plan: &Plan,
        tags: &[String],
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let standing = Standing::default();
        let result = match self.hooks_before_run(plan, cx, &standing).await {
            Ok(()) => caught(self.locked_backup(plan, tags, cx, run)).await,
            Err(error) => Err(error),
        };
        self.hooks_after_run(plan, cx, result.is_ok(), &standing).await;
        result
    }

    /// Makes the backup in an open target, under the run lock that its caller holds.
    async fn locked_backup(
        &self,
        plan: &Plan,
        tags: &[String],
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let wanted = Wanted { recipients: self.recipients(plan, run).await?, tags: tags.to_vec() };
        let cx = &RunContext { required_paths: plan.adapter.required_paths(), ..cx.clone() };
        let mut session = self.open(plan, cx, run).await?;
        let result = caught(self.backup_from(session.as_mut(), wanted, plan, cx, run)).await;
        target::close(session, run).await;
        #[cfg(feature = "retention")]
        if result.is_ok() {
            prune::after_commit(plan, cx, run).await;
        }
        result
    }

    async fn recipients(&self, plan: &Plan, run: &mut Run) -> Result<Vec<Recipient>, RunError> {
        // Key files are read from disk.
        let (keys, spec) = (std::sync::Arc::clone(&self.keys), plan.encryption.clone());
        let recipients = off_the_runtime(move || keys.recipients(&spec)).await??;
        for recipient in &recipients {
            if let Some(days) = recipient.expires.map(days_until)
                && days < EXPIRY_WARNING_DAYS
            {
                run.warn(format!("the key {} expires in {days} days", recipient.fingerprint));
            }
        }
        Ok(recipients)
    }

    async fn backup_from(
        &self,
        session: &mut dyn Session,
        wanted: Wanted,
        plan: &Plan,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let identity = identify(session, cx, run).await?;
        #[cfg(feature = "hooks")]
        {
            self.hooks_at_target(None, HookScope::Run, plan, cx, session).await?;
            let result = caught(self.backup_by_agent(session, identity, wanted, plan, cx, run)).await;
            self.hooks_at_target(Some(result.is_ok()), HookScope::Run, plan, cx, session).await?;
            result
        }
        #[cfg(not(feature = "hooks"))]
        self.backup_by_agent(session, identity, wanted, plan, cx, run).await
    }

    async fn backup_by_agent(
        &self,
        session: &mut dyn Session,
        identity: Identity,
        wanted: Wanted,
        plan: &Plan,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let mut agent = unless_cancelled(cx, self.agent_at(session, cx)).await?;
        cx.events.phase(Phase::Checking);
        let result = caught(captured_by((self, &mut agent), session, identity, wanted, plan, cx, run)).await;
        agent.quit().await;
        result
    }
}

async fn captured_by(
    (engine, agent): (&Engine, &mut Agent),
    session: &mut dyn Session,
    identity: Identity,
    wanted: Wanted,
    plan: &Plan,
    cx: &RunContext,
    run: &mut Run,
) -> Result<(), RunError> {
    let (found, tools) = agent.probe(plan.adapter.as_ref(), cx).await?;
    run.report.tools = tools.0.clone();
    let mut capture = plan.adapter.capture(&found).map_err(RunError::refused)?;
    let mut census = plan.adapter.census(&ReplayTarget::default());
    admit(plan, &capture)?;
    agent.shield(capture.steps_mut().chain(&mut census), cx);
    capture.warnings.drain(..).for_each(|warning| run.warn(warning));
    agent.cleanup_stale(plan.adapter.as_ref(), cx, run).await?;
    let Wanted { recipients, tags } = wanted;
    let version = NewVersion {
        created: jiff::Timestamp::now(),
        adapter: plan.adapter_type.clone(),
        compression: plan.compression.algorithm.name().to_owned(),
        recipients: recipients.iter().map(|recipient| recipient.fingerprint.clone()).collect(),
        bahub: env!("CARGO_PKG_VERSION").to_owned(),
        instance: Some(identity),
        tags,
    };
    let granted = unless_cancelled(cx, route::choose(plan, agent, Purpose::Upload(version.clone()))).await?;
    let job = CaptureJob {
        capture,
        compression: plan.compression,
        recipients,
        format: plan.encryption.format,
        encoding: plan.sink.encoding(),
        route: route::route_of(granted.as_ref()),
        version,
        tools,
        census,
    };
    let feed = Feed::of(&job.capture);
    Capturing { engine, plan, cx, agent, session, run, feed }.run(job, granted).await
}

/// Refuses parts that a restore could not find again, and what could make a partial version where nobody would learn that it is one.
fn admit(plan: &Plan, capture: &Capture) -> Result<(), RunError> {
    let refused =
        |message: String, help: &'static str| Err(RunError::new(RunErrorKind::Preflight, message).with_help(help));
    if plan.compression.algorithm == Algorithm::None && capture.segments.iter().any(|segment| segment.name.is_some()) {
        return refused(
            "what is not compressed cannot record where the parts of this backup begin, which its restore needs".into(),
            "set `compression` to `zstd` or `gzip`; at a low level it costs little",
        );
    }
    if capture.parts_to_leave_out() > 0 && !plan.sink.capabilities().contains(&SinkCapability::Partial) {
        let store = plan.sink.identity();
        return refused(
            format!(
                "a backup that may be partial was asked for, but the store {store} cannot record that a version is partial"
            ),
            "use a store with version files: a directory, S3; or leave out `on_failure: partial`",
        );
    }
    Ok(())
}

fn days_until(expires: i64) -> i64 {
    (expires - jiff::Timestamp::now().as_second()).div_euclid(86_400)
}

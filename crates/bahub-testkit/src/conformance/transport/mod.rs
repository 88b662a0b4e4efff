//! The suite for any transport.

pub mod claim;

mod agent;
mod bytes;
mod contract;
mod ends;
mod lifeline;
mod place;
mod program;
mod stderr;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::event::Events;
use bahub_core::run::{Downtime, RunContext, RunPurpose};
use bahub_core::transport::{Session, Transport};

use super::report::{Checked, Claim, Report};

pub use contract::StoppedWorkload;

/// The options for testing a transport.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// How many random bytes are sent each way: 64 MiB.
    pub volume: u64,
    /// How long one claim may take: two minutes; increase it for a larger volume.
    pub limit: Duration,
    /// The agent that is placed if the target is not this host. Without it the claims about agents break.
    pub agent_program: Option<PathBuf>,
    /// A writable folder of the target, for pipes: `/tmp`.
    pub scratch: String,
    /// Whether the end of standard input reaches a program: `true`. Some exec protocols cannot transmit it.
    pub stdin_ends: bool,
    /// Whether one session sees the files that another one places: `true`. If each has its own file system, which is removed
    /// with it, a test of the transport itself has to verify the removal.
    pub shares_files: bool,
    /// The purpose of sessions: a backup.
    pub purpose: RunPurpose,
    /// The secrets with which the transport was created.
    pub secrets: Vec<String>,
    /// Absolute paths that are the instance's own data: `/`.
    pub own_paths: Vec<String>,
    /// Absolute paths that are not, according to this transport. Without them the claim about them is not tried.
    pub foreign_paths: Vec<String>,
    /// The workload that the transport stops. Without it the claims about one are not tried.
    pub workload: Option<Arc<dyn StoppedWorkload>>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            volume: 64 << 20,
            limit: Duration::from_secs(120),
            agent_program: None,
            scratch: "/tmp".into(),
            stdin_ends: true,
            shares_files: true,
            purpose: RunPurpose::Backup,
            secrets: Vec::new(),
            own_paths: vec!["/".into()],
            foreign_paths: Vec::new(),
            workload: None,
        }
    }
}

/// A transport under test.
struct Trial<'a> {
    transport: &'a dyn Transport,
    options: &'a TransportOptions,
}

/// Checks a transport against [`claim::ALL`], except for what the options leave out: an end of input, shared files, foreign
/// paths, a workload.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
/// use bahub_transports::sh::Sh;
///
/// # async fn example() {
/// let report = conformance::transport(Arc::new(Sh), &TransportOptions::default()).await;
/// report.assert_conforms();
/// // Which claims were tried: those about a workload need one.
/// assert_eq!(report.held(), transport_claim::without_a_workload());
/// # }
/// ```
pub async fn transport(transport: Arc<dyn Transport>, options: &TransportOptions) -> Report {
    let trial = Trial { transport: transport.as_ref(), options };
    let mut report = Report::of("transport");
    programs(&trial, &mut report).await;
    places(&trial, &mut report).await;
    let shown = format!("{transport:?}");
    let secret = options.secrets.iter().any(|secret| shown.contains(secret));
    report.take(claim::LEAKS_NO_SECRET, if secret { Err("Debug contains a secret".into()) } else { Ok(()) });
    contract(&trial, &mut report).await;
    agents(&trial, &mut report).await;
    report
}

async fn contract(trial: &Trial<'_>, report: &mut Report) {
    let TransportOptions { limit, own_paths, foreign_paths, workload, .. } = trial.options;
    report.check(claim::SAME_INSTANCE, *limit, contract::identity(trial)).await;
    trial.alone(report, claim::OWN_PATHS, async |session| contract::own_paths(session, own_paths).await).await;
    if !foreign_paths.is_empty() {
        let check = async |session: &mut dyn Session| contract::foreign_paths(session, own_paths, foreign_paths).await;
        trial.alone(report, claim::FOREIGN_PATHS, check).await;
    }
    if let Some(workload) = workload {
        report.check(claim::RESUME_BRINGS_BACK, *limit, contract::resumes(trial, workload)).await;
        report.check(claim::FLIPS_ARE_NOTICED, *limit, contract::flips(trial, workload)).await;
    }
}

async fn programs(trial: &Trial<'_>, report: &mut Report) {
    let (volume, limit) = (trial.options.volume, trial.options.limit);
    trial.alone(report, claim::WORDS_ARRIVE, program::words_arrive).await;
    trial.alone(report, claim::BYTES_IN, async |session| bytes::inwards(session, volume).await).await;
    trial.alone(report, claim::BYTES_OUT, async |session| bytes::outwards(session, volume).await).await;
    trial.alone(report, claim::BYTES_BOTH_WAYS, async |session| bytes::both_ways(session, volume).await).await;
    trial.alone(report, claim::EXIT_CODES, ends::exit_codes).await;
    trial.alone(report, claim::SIGNAL_IS_NO_SUCCESS, ends::signals).await;
    trial.alone(report, claim::MISSING_IS_NO_SUCCESS, ends::missing).await;
    trial.alone(report, claim::STDERR_APART, stderr::apart).await;
    trial.alone(report, claim::STDERR_DOES_NOT_BLOCK, stderr::does_not_block).await;
    if trial.options.stdin_ends {
        trial.alone(report, claim::STDIN_ENDS, ends::stdin).await;
    }
    report.check(claim::DROP_KILLS, limit, place::drop_kills(trial)).await;
}

async fn places(trial: &Trial<'_>, report: &mut Report) {
    let limit = trial.options.limit;
    trial.alone(report, claim::PLACED_FILE_RUNS, place::file_runs).await;
    trial.alone(report, claim::PLACED_PRIVATELY, place::privately).await;
    report.check(claim::SESSIONS_ARE_APART, limit, place::sessions_are_apart(trial)).await;
    if trial.options.shares_files {
        report.check(claim::CLOSE_REMOVES_FILES, limit, place::close_removes_files(trial)).await;
    }
    report.check(claim::CLOSE_LEAVES_NO_PROGRAM, limit, place::close_leaves_no_program(trial)).await;
}

async fn agents(trial: &Trial<'_>, report: &mut Report) {
    let limit = trial.options.limit;
    report.check(claim::STEP_ARGUMENTS, limit, steps::arguments(trial)).await;
    report.check(claim::STEP_ENDS, limit, steps::ends(trial)).await;
    report.check(claim::CANCEL_KILLS_THE_TREE, limit, steps::cancel_kills(trial)).await;
    report.check(claim::LOST_LINK_KILLS_THE_TREE, limit, steps::lost_link_kills(trial)).await;
}

impl Trial<'_> {
    async fn open(&self) -> Checked<Box<dyn Session>> {
        self.open_timed().await.map(|(session, _)| session)
    }

    /// The same, with a measurement of how long the workload is down.
    async fn open_timed(&self) -> Checked<(Box<dyn Session>, Downtime)> {
        let cx = RunContext::new("conformance", self.options.purpose, Events::ignored())
            .map_err(|error| error.to_string())?;
        let session = self.transport.open(&cx).await.map_err(|error| format!("open failed: {}", error.chain()))?;
        Ok((session, cx.downtime))
    }

    /// Tries a claim in its own session, and closes it.
    async fn alone(&self, report: &mut Report, claim: Claim, check: impl AsyncFnOnce(&mut dyn Session) -> Checked) {
        let work = async {
            let mut session = self.open().await?;
            let checked = check(session.as_mut()).await;
            let closed = close(session).await;
            checked.and(closed)
        };
        report.check(claim, self.options.limit, work).await;
    }
}

async fn close(session: Box<dyn Session>) -> Checked {
    session.close().await.map_err(|error| format!("close failed: {}", error.chain()))
}

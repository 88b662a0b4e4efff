//! An adapter with the real engine: backup, loss, restore; and runs that must leave nothing behind.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::adapter::Adapter;
use bahub_core::census::UNREADABLE;
use bahub_core::engine::{RestoreOptions, RunErrorKind, RunOutcome};
use bahub_core::replay::ReplayTarget;
use bahub_core::report::Outcome;
use bahub_core::sink::{Sink, VersionNumber};
use bahub_core::transport::Transport;

use super::super::report::{Checked, Claim, Report};
use super::claim;
use super::detour::{Detour, Mishap};
use crate::fakes::{HereTransport, MemorySink};
use crate::fixtures::{EngineRoom, secrets_in_proc};

/// The data for testing an adapter: real data on this host, which the suite backs up, loses and restores several times.
///
/// - Restores go to [`target`](Self::target), over existing data. Use data of the test alone: a temporary folder, a server
///   that the test started.
/// - While the claim about secrets is tried ([`RoundTrip::secrets`]), the suite reads all of `/proc` without a pause, and
///   inspects the command line and the environment of every process that descends from the test program. Other tests of that
///   program are seen too: use a secret that no other test uses, or put this one into its own test program.
/// - The runs have the environment of the test program, and its `PATH`.
#[async_trait]
pub trait LiveData: Sync {
    /// Creates the data to back up; called once, first.
    async fn prepare(&self);

    /// Deletes the data.
    async fn wipe(&self);

    /// Compares the current data with what was prepared.
    ///
    /// # Errors
    /// What differs.
    async fn compare(&self) -> Result<(), String>;

    /// Where restores go: by default the original location. Existing data is replaced.
    fn target(&self) -> ReplayTarget {
        ReplayTarget::default()
    }
}

/// The options of a round trip.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    /// Where the data is: by default on this host.
    pub transport: Arc<dyn Transport>,
    /// The agent that is placed if the data is remote.
    pub agent_program: Option<PathBuf>,
    /// The secrets of the adapter's configuration.
    pub secrets: Vec<String>,
    /// How long one claim may take.
    pub limit: Duration,
}

impl Default for RoundTrip {
    fn default() -> Self {
        let limit = Duration::from_secs(120);
        Self { transport: Arc::new(HereTransport), agent_program: None, secrets: Vec::new(), limit }
    }
}

/// An adapter under test.
struct Trial<'a> {
    adapter: Arc<dyn Adapter>,
    data: &'a dyn LiveData,
    how: &'a RoundTrip,
    room: EngineRoom,
}

/// Checks an adapter against [`claim::ROUND_TRIP`]: with the real engine, agent and cryptography, and versions in memory.
///
/// ```
/// use std::fs;
/// use std::path::PathBuf;
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use bahub_testkit::conformance::{self, LiveData, RoundTrip};
/// use bahub_testkit::fakes::CopyFile;
///
/// struct OneFile(PathBuf);
///
/// #[async_trait]
/// impl LiveData for OneFile {
///     async fn prepare(&self) {
///         fs::write(&self.0, "precious").unwrap();
///     }
///
///     async fn wipe(&self) {
///         fs::remove_file(&self.0).unwrap();
///     }
///
///     async fn compare(&self) -> Result<(), String> {
///         match fs::read(&self.0) {
///             Ok(bytes) if bytes == b"precious" => Ok(()),
///             other => Err(format!("{} holds {other:?}", self.0.display())),
///         }
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let folder = tempfile::tempdir().unwrap();
/// let data = OneFile(folder.path().join("file"));
/// let adapter = Arc::new(CopyFile::new(data.0.clone(), "hunter22"));
/// let how = RoundTrip { secrets: vec!["hunter22".into()], ..RoundTrip::default() };
/// conformance::adapter_round_trip(adapter, &data, &how).await.assert_conforms();
/// # }
/// ```
///
/// Mishaps are tried with one program of the capture after the other. If the data is remote (`how.transport` is not to this
/// host), they are not tried: they need shims on this host.
pub async fn adapter_round_trip(adapter: Arc<dyn Adapter>, data: &dyn LiveData, how: &RoundTrip) -> Report {
    let mut room = EngineRoom::new().with_transport(Arc::clone(&how.transport));
    if let Some(program) = &how.agent_program {
        room = room.with_agent_program(program);
    }
    let trial = Trial { adapter, data, how, room };
    let mut report = Report::of("adapter round trip");
    trial.data.prepare().await;
    report.check(claim::COMES_BACK, how.limit, trial.comes_back()).await;
    if trial.adapter.census(&trial.data.target()).is_some() {
        report.check(claim::CENSUS_COUNTS, how.limit, trial.census_counts()).await;
    }
    if !how.secrets.is_empty() {
        report.check(claim::NO_SECRET_IN_PROC, how.limit, trial.no_secret_in_proc()).await;
    }
    report.check(claim::DAMAGE_TOUCHES_NOTHING, how.limit, trial.damage_touches_nothing()).await;
    if how.agent_program.is_none() {
        for (claim, mishap) in [
            (claim::KILLED_LEAVES_NO_VERSION, Mishap::Killed),
            (claim::FAILED_LEAVES_NO_VERSION, Mishap::Fails),
            (claim::MISSING_IS_NAMED, Mishap::Missing),
        ] {
            trial.mishaps(&mut report, claim, mishap).await;
        }
    }
    report
}

fn done(ended: &RunOutcome, what: &str) -> Checked {
    let done = matches!(ended.report.outcome, Outcome::Succeeded | Outcome::SucceededWithWarnings);
    ensure!(done && ended.error.is_none(), "the {what} failed: {}", words(ended));
    Ok(())
}

fn words(ended: &RunOutcome) -> String {
    ended.error.as_ref().map_or_else(|| "without an error".into(), |error| error.chain())
}

impl Trial<'_> {
    async fn there_and_back(&self) -> Checked {
        let plan = self.room.plan(Arc::clone(&self.adapter), MemorySink::shared("round-trip"));
        done(&self.room.backup(&plan).await, "backup")?;
        self.data.wipe().await;
        ensure!(
            self.data.compare().await.is_err(),
            "the comparison finds nothing missing after the loss: it proves nothing"
        );
        done(&self.restore(&plan).await, "restore")?;
        self.data.compare().await.map_err(|differs| format!("after the restore: {differs}"))
    }

    async fn restore(&self, plan: &bahub_core::plan::Plan) -> RunOutcome {
        let options = RestoreOptions::default().to(self.data.target());
        self.room.restore(plan, &options).await
    }

    async fn comes_back(&self) -> Checked {
        self.there_and_back().await?;
        // A second time over the current data: a restore over data that was just restored changes nothing.
        let plan = self.room.plan(Arc::clone(&self.adapter), MemorySink::shared("round-trip"));
        done(&self.room.backup(&plan).await, "second backup")?;
        done(&self.restore(&plan).await, "restore over live data")?;
        self.data.compare().await.map_err(|differs| format!("after the restore over live data: {differs}"))
    }

    async fn census_counts(&self) -> Checked {
        let plan = self.room.plan(Arc::clone(&self.adapter), MemorySink::shared("census"));
        let outcome = self.room.backup(&plan).await;
        done(&outcome, "backup")?;
        let unreadable = outcome.report.warnings.iter().find(|warning| warning.contains(UNREADABLE));
        unreadable.map_or(Ok(()), |warning| Err(warning.clone()))
    }

    async fn no_secret_in_proc(&self) -> Checked {
        let secrets: Vec<&str> = self.how.secrets.iter().map(String::as_str).collect();
        let work = async {
            self.there_and_back().await?;
            // A program that ends at once is hardly ever seen.
            if self.how.agent_program.is_none() { self.held().await } else { Ok(()) }
        };
        let (ended, seen, looked_at) = secrets_in_proc(&secrets, work).await;
        ensure!(looked_at > 0, "no child was seen: nothing is proven");
        ensure!(seen.is_empty(), "seen: {seen:?}");
        ended
    }

    /// A backup for each program, which starts a moment later.
    async fn held(&self) -> Checked {
        let programs = self.programs().await?;
        for index in 0..programs.len() {
            let detour =
                Arc::new(Detour::new(Arc::clone(&self.adapter), Some((index, Mishap::Held)), programs.clone())?);
            let plan = self.room.plan(detour, MemorySink::shared("held"));
            done(&self.room.backup(&plan).await, "backup")?;
        }
        Ok(())
    }

    async fn damage_touches_nothing(&self) -> Checked {
        let sink = MemorySink::new("damaged");
        let plan = self.room.plan(Arc::clone(&self.adapter), Arc::new(sink.clone()));
        done(&self.room.backup(&plan).await, "backup")?;
        sink.tamper(VersionNumber(1), |message| {
            let middle = message.len() - message.len() / 4;
            message[middle] ^= 1;
        });
        let ended = self.restore(&plan).await;
        ensure!(ended.error.is_some(), "a restore from a damaged message succeeded");
        self.data.compare().await.map_err(|differs| format!("a damaged message was restored from: {differs}"))
    }

    async fn mishaps(&self, report: &mut Report, claim: Claim, mishap: Mishap) {
        let work = async {
            let programs = self.programs().await?;
            for index in 0..programs.len() {
                let name = programs[index].name();
                self.mishap(index, mishap, programs.clone()).await.map_err(|what| format!("{name}: {what}"))?;
            }
            Ok(())
        };
        report.check(claim, self.how.limit, work).await;
    }

    /// The programs of a capture on this host.
    async fn programs(&self) -> Checked<Vec<bahub_core::step::Step>> {
        let detour = Arc::new(Detour::new(Arc::clone(&self.adapter), None, Vec::new())?);
        let plan = self.room.plan(Arc::clone(&detour) as Arc<dyn Adapter>, MemorySink::shared("programs"));
        done(&self.room.backup(&plan).await, "backup")?;
        Ok(detour.programs())
    }

    async fn mishap(&self, index: usize, mishap: Mishap, programs: Vec<bahub_core::step::Step>) -> Checked {
        let name = programs[index].programs.clone();
        let detour = Arc::new(Detour::new(Arc::clone(&self.adapter), Some((index, mishap)), programs)?);
        let sink = MemorySink::new("mishap");
        let plan = self.room.plan(Arc::clone(&detour) as Arc<dyn Adapter>, Arc::new(sink.clone()));
        let ended = self.room.backup(&plan).await;
        let listed = sink.list().await.map_err(|error| error.chain())?;
        ensure!(listed.is_empty(), "a version was made: {listed:?}");
        let error = ended.error.as_ref().ok_or("the run is told to have succeeded")?;
        ensure!(detour.hit() || mishap == Mishap::Missing, "the mishap did not come about: {}", error.chain());
        let expected = if mishap == Mishap::Missing { RunErrorKind::Preflight } else { RunErrorKind::Program };
        ensure!(error.kind() == expected, "the run ended with {:?}: {}", error.kind(), error.chain());
        let text = error.chain();
        ensure!(name.iter().any(|name| text.contains(name)), "the error does not name it: {text}");
        Ok(())
    }
}

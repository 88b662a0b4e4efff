//! The job of a backup, as the controller drives it.

use std::time::Duration;

use tokio::time::timeout;

use super::agent::{Agent, GRACE, Said, nonsense};
use super::backup::{cancelled, unless_cancelled};
use super::ended::Run;
use super::{RunError, RunErrorKind, error, route};
use crate::event::Phase;
use crate::link::{CaptureJob, Done, Failure, FailureKind, Job, ToAgent};
use crate::plan::Plan;
use crate::run::RunContext;
use crate::sink::{AgentSink, CommitError, Receipt, Upload};
use crate::transport::{Locality, Session};

/// How long an agent may take to commit: a store's own limits are shorter, and its heartbeats tell that it lives.
const COMMIT: Duration = Duration::from_secs(1800);

/// Everything that takes part in a capture.
pub(super) struct Capturing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cx: &'a RunContext,
    pub(super) agent: &'a mut Agent,
    pub(super) run: &'a mut Run,
}

/// What the agent's work came to.
struct Captured {
    plain: u64,
    receipt: Option<Receipt>,
    warnings: Vec<String>,
}

/// What an agent says before it falls silent.
enum LastWords {
    Done(Captured),
    Failed(Failure),
}

/// Why it came to nothing.
enum Broken {
    /// The endpoint of a direct route cannot be reached from where the agent is.
    OutOfReach(RunError),
    Failed(RunError),
}

impl<E: Into<RunError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Capturing<'_> {
    /// Begins the version, stops the workload, captures, and commits.
    pub(super) async fn run(
        mut self,
        session: &mut dyn Session,
        mut job: CaptureJob,
        mut granted: Option<AgentSink>,
    ) -> Result<(), RunError> {
        let mut upload = self.begin(&job, granted.as_ref()).await?;
        let captured = match self.drive(session, &job, granted.as_ref(), upload.as_mut()).await {
            // From this very host the controller reaches no further.
            Err(Broken::OutOfReach(error))
                if self.plan.relay != Some(false) && self.agent.locality == Locality::Remote =>
            {
                self.run.warn(route::relayed_because(&error));
                (granted, job.route) = (None, route::route_of(None));
                upload = self.begin(&job, None).await?;
                self.drive(session, &job, None, upload.as_mut()).await
            }
            captured => captured,
        };
        let captured = match captured {
            Ok(captured) => captured,
            Err(Broken::OutOfReach(error) | Broken::Failed(error)) => {
                self.abort(upload).await;
                return Err(error);
            }
        };
        self.run.report.route = Some(route::name_of(granted.as_ref()));
        self.commit(captured, upload).await
    }

    async fn begin(&self, job: &CaptureJob, granted: Option<&AgentSink>) -> Result<Option<Box<dyn Upload>>, RunError> {
        match granted {
            Some(_) => Ok(None),
            None => Ok(Some(unless_cancelled(self.cx, self.plan.sink.begin(&job.version)).await?)),
        }
    }

    /// Sends the job and moves what comes, until the agent states its end. Whatever happens, the agent's programs are
    /// dead when this returns.
    async fn drive(
        &mut self,
        session: &mut dyn Session,
        job: &CaptureJob,
        granted: Option<&AgentSink>,
        mut upload: Option<&mut Box<dyn Upload>>,
    ) -> Result<Captured, Broken> {
        self.agent.sender.send(&ToAgent::Job(Box::new(Job::Capture(Box::new(job.clone())))))?;
        let mut reached = granted.is_none();
        loop {
            let said = tokio::select! {
                biased;
                () = self.cx.cancel.cancelled() => return self.stopped().await,
                said = self.agent.next(&self.cx.events, None) => said?,
            };
            match (said, granted, upload.as_mut()) {
                (Said::Reached, Some(sink), _) => {
                    reached = true;
                    self.agent.sender.send(&ToAgent::Grant(sink.grant.clone()))?;
                }
                (Said::Begun, ..) => {
                    self.cx.events.phase(Phase::Quiescing);
                    if let Err(error) = unless_cancelled(self.cx, session.quiesce()).await {
                        let _ = self.stopped().await;
                        return Err(error.into());
                    }
                    self.cx.events.phase(Phase::Capturing);
                    self.agent.sender.send(&ToAgent::Go)?;
                }
                (Said::Data(chunk), _, Some(upload)) => {
                    let size = chunk.len();
                    let written = tokio::select! {
                        biased;
                        () = self.cx.cancel.cancelled() => return self.stopped().await,
                        written = upload.write(chunk) => written,
                    };
                    if let Err(error) = written {
                        // The store's refusal is the cause; what the agent says of its end is the consequence.
                        let _ = self.stopped().await;
                        return Err(error.into());
                    }
                    self.agent.sender.credit(size);
                }
                (Said::Captured, Some(_), _) => {
                    if let Err(error) = unless_cancelled(self.cx, session.still_quiet()).await {
                        let _ = self.stopped().await;
                        return Err(error.into());
                    }
                    return self.commit_by_agent().await;
                }
                (Said::Done(Done::Captured { plain, stored, receipt, warnings }), ..) => {
                    unless_cancelled(self.cx, session.still_quiet()).await?;
                    self.run.report.stored_bytes = stored;
                    return Ok(Captured { plain, receipt, warnings });
                }
                (Said::Failed(failure), ..) => return Err(self.failed(failure, reached)),
                (Said::Reached | Said::Data(_) | Said::Captured | Said::Done(_), ..) => {
                    return Err(nonsense().into());
                }
            }
        }
    }

    fn failed(&self, failure: Failure, reached: bool) -> Broken {
        let out_of_reach = !reached && matches!(failure.kind, FailureKind::Sink(_));
        let error = error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program);
        if out_of_reach { Broken::OutOfReach(error) } else { Broken::Failed(error) }
    }

    /// Asks the agent to stop and waits until it has. It has not been told to commit, so there is no version.
    async fn stopped(&mut self) -> Result<Captured, Broken> {
        self.agent.sender.send(&ToAgent::Cancel)?;
        let _ = timeout(GRACE, self.last_words()).await;
        Err(cancelled().into())
    }

    /// Has the agent commit, and waits for what it makes of it. Nobody else can tell: if the agent is lost now, the outcome
    /// is unknown.
    async fn commit_by_agent(&mut self) -> Result<Captured, Broken> {
        self.cx.events.phase(Phase::Committing);
        self.cx.commitment.begin();
        self.agent.sender.send(&ToAgent::Commit).inspect_err(|_| self.cx.commitment.refused())?;
        let unknown = |what: String| {
            let error = error::unknown(what, None);
            Err(Broken::Failed(error))
        };
        match timeout(COMMIT, self.last_words()).await {
            Ok(Some(LastWords::Done(captured))) => Ok(captured),
            Ok(Some(LastWords::Failed(failure))) if failure.kind == FailureKind::Cancelled => {
                self.cx.commitment.refused();
                Err(cancelled().into())
            }
            Ok(Some(LastWords::Failed(failure))) => {
                if failure.kind != FailureKind::CommitUnknown {
                    self.cx.commitment.refused();
                }
                Err(self.failed(failure, true))
            }
            Ok(None) => unknown("the agent was lost meanwhile".into()),
            Err(_) => unknown(format!("the agent gave no answer for {} s", COMMIT.as_secs())),
        }
    }

    /// What the agent says at its end, or before; `None` where the link breaks.
    async fn last_words(&mut self) -> Option<LastWords> {
        loop {
            match self.agent.next(&self.cx.events, None).await {
                Ok(Said::Data(chunk)) => self.agent.sender.credit(chunk.len()),
                Ok(Said::Reached | Said::Begun | Said::Captured) => {}
                Ok(Said::Done(Done::Captured { plain, stored, receipt: Some(receipt), warnings })) => {
                    self.run.report.stored_bytes = stored;
                    return Some(LastWords::Done(Captured { plain, receipt: Some(receipt), warnings }));
                }
                Ok(Said::Failed(failure)) => return Some(LastWords::Failed(failure)),
                Ok(Said::Done(_)) | Err(_) => return None,
            }
        }
    }

    async fn commit(self, captured: Captured, upload: Option<Box<dyn Upload>>) -> Result<(), RunError> {
        let receipt = match (captured.receipt, upload) {
            (Some(receipt), _) => receipt,
            (None, Some(upload)) => {
                self.cx.events.phase(Phase::Committing);
                self.cx.commitment.begin();
                upload.commit().await.inspect_err(|error| {
                    if matches!(error, CommitError::Refused(_)) {
                        self.cx.commitment.refused();
                    }
                })?
            }
            (None, None) => return Err(nonsense()),
        };
        self.cx.commitment.made(receipt.version);
        self.run.report.plain_bytes = captured.plain;
        self.run.report.committed(&receipt);
        for warning in captured.warnings.into_iter().chain(receipt.warnings) {
            self.run.warn(warning);
        }
        Ok(())
    }

    async fn abort(&mut self, upload: Option<Box<dyn Upload>>) {
        if let Some(upload) = upload
            && let Err(error) = upload.abort().await
        {
            self.run.warn(format!("leftovers of the aborted upload could not be removed: {}", error.chain()));
        }
    }
}

//! The job of a backup, as the controller drives it.

use tokio::time::{Instant, timeout_at};

use super::agent::{Agent, GRACE, Said, nonsense};
use super::backup::{cancelled, unless_cancelled};
use super::ended::Run;
use super::{RunError, RunErrorKind, error, route};
use crate::event::Phase;
use crate::link::{CaptureJob, Done, Failure, FailureKind, Job, ToAgent};
use crate::plan::Plan;
use crate::run::RunContext;
use crate::sink::{AgentSink, Receipt, Upload};
use crate::transport::Session;

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
        self.cx.events.phase(Phase::Quiescing);
        if let Err(error) = session.quiesce().await {
            self.abort(upload).await;
            return Err(error.into());
        }
        self.cx.events.phase(Phase::Capturing);
        let captured = match self.drive(&job, granted.as_ref(), upload.as_mut()).await {
            Err(Broken::OutOfReach(error)) if self.plan.relay != Some(false) => {
                self.run.warn(format!("the data is relayed through this host: {}", error.chain()));
                (granted, job.route) = (None, route::route_of(None));
                upload = self.begin(&job, None).await?;
                self.drive(&job, None, upload.as_mut()).await
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
        job: &CaptureJob,
        granted: Option<&AgentSink>,
        mut upload: Option<&mut Box<dyn Upload>>,
    ) -> Result<Captured, Broken> {
        self.agent.sender.send(&ToAgent::Job(Box::new(Job::Capture(job.clone()))))?;
        let mut reached = granted.is_none();
        loop {
            let said = tokio::select! {
                biased;
                () = self.cx.cancel.cancelled() => return self.cancelled().await,
                said = self.agent.next(&self.cx.events, None) => said?,
            };
            match (said, granted, upload.as_mut()) {
                (Said::Reached, Some(sink), _) => {
                    reached = true;
                    self.agent.sender.send(&ToAgent::Grant(sink.grant.clone()))?;
                }
                (Said::Data(chunk), _, Some(upload)) => {
                    let size = chunk.len();
                    let written = tokio::select! {
                        biased;
                        () = self.cx.cancel.cancelled() => return self.cancelled().await,
                        written = upload.write(chunk) => written,
                    };
                    if let Err(error) = written {
                        // The store's refusal is the cause; what the agent says of its end is the consequence.
                        let _ = self.cancelled().await;
                        return Err(error.into());
                    }
                    self.agent.sender.credit(size);
                }
                (Said::Done(Done::Captured { plain, stored, receipt, warnings }), ..) => {
                    self.run.report.stored_bytes = stored;
                    return Ok(Captured { plain, receipt, warnings });
                }
                (Said::Failed(failure), ..) => return Err(self.failed(failure, reached)),
                (Said::Reached | Said::Data(_) | Said::Done(_), ..) => return Err(nonsense().into()),
            }
        }
    }

    fn failed(&self, failure: Failure, reached: bool) -> Broken {
        let out_of_reach = !reached && matches!(failure.kind, FailureKind::Sink(_));
        let error = error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program);
        if out_of_reach { Broken::OutOfReach(error) } else { Broken::Failed(error) }
    }

    /// Asks the agent to stop and waits until it has; a direct upload that was committed just before stands.
    async fn cancelled(&mut self) -> Result<Captured, Broken> {
        let deadline = Instant::now() + GRACE;
        self.agent.sender.send(&ToAgent::Cancel)?;
        loop {
            match timeout_at(deadline, self.agent.next(&self.cx.events, None)).await {
                Ok(Ok(Said::Data(chunk))) => self.agent.sender.credit(chunk.len()),
                Ok(Ok(Said::Reached)) => {}
                Ok(Ok(Said::Done(Done::Captured { plain, receipt: Some(receipt), warnings, .. }))) => {
                    return Ok(Captured { plain, receipt: Some(receipt), warnings });
                }
                Ok(Ok(Said::Failed(Failure { kind: FailureKind::CommitUnknown, message, help }))) => {
                    let failure = Failure { kind: FailureKind::CommitUnknown, message, help };
                    return Err(self.failed(failure, true));
                }
                Ok(Ok(Said::Done(_) | Said::Failed(_)) | Err(_)) | Err(_) => {
                    return Err(cancelled().into());
                }
            }
        }
    }

    async fn commit(self, captured: Captured, upload: Option<Box<dyn Upload>>) -> Result<(), RunError> {
        let receipt = match (captured.receipt, upload) {
            (Some(receipt), _) => receipt,
            (None, Some(upload)) => {
                self.cx.events.phase(Phase::Committing);
                upload.commit().await?
            }
            (None, None) => return Err(nonsense()),
        };
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

//! The job of a backup, as the controller drives it: begun, quiesced, captured, resumed, stored, committed.

use std::time::Duration;

use tokio::time::timeout;

use super::agent::{Agent, AgentMessage, GRACE, protocol_violation};
use super::control::{cancelled, unless_cancelled};
use super::error::{self, RunError, RunErrorKind};
use super::route;
use super::run::Run;
use super::target;
use super::upload::Relay;
use crate::event::Phase;
use crate::link::{CaptureJob, Done, Failure, FailureKind, Job, ToAgent};
use crate::plan::Plan;
use crate::run::RunContext;
use crate::sink::{AgentSink, CommitError, Receipt, Upload};
use crate::transport::{Locality, Session};

/// How long an agent may take to commit: a store's own limits are shorter, and its heartbeats say that it lives.
const COMMIT: Duration = Duration::from_secs(1800);

/// Everything that takes part in a capture.
pub(super) struct Capturing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cx: &'a RunContext,
    pub(super) agent: &'a mut Agent,
    pub(super) session: &'a mut dyn Session,
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

/// Everything is stored, and nothing visible yet.
enum Stored {
    /// By the agent, which waits to be asked to commit.
    ByAgent,
    /// By the controller.
    Here { captured: Captured, upload: Box<dyn Upload> },
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
    /// Begins the version, stops the workload, captures, starts the workload again, and commits.
    pub(super) async fn run(mut self, mut job: CaptureJob, mut granted: Option<AgentSink>) -> Result<(), RunError> {
        let stored = match self.attempt(&job, granted.as_ref()).await {
            // From this very host the controller reaches no further.
            Err(Broken::OutOfReach(error))
                if self.plan.relay != Some(false) && self.agent.locality == Locality::Remote =>
            {
                self.run.warn(route::relayed_because(&error));
                (granted, job.route) = (None, route::route_of(None));
                self.attempt(&job, None).await
            }
            stored => stored,
        };
        let stored = stored.map_err(|(Broken::OutOfReach(error) | Broken::Failed(error))| error)?;
        self.run.report.route = Some(route::kind_of(granted.as_ref()));
        let (captured, receipt) = match stored {
            Stored::ByAgent => {
                let captured = self.commit_by_agent().await?;
                let receipt = captured.receipt.clone().ok_or_else(protocol_violation)?;
                (captured, receipt)
            }
            Stored::Here { captured, upload } => (captured, self.commit(upload).await?),
        };
        self.made(captured, receipt);
        Ok(())
    }

    /// One route, up to where everything is stored. Where it fails, the agent's programs are dead when this returns, and the
    /// upload is left to the end of the run to abort: the workload comes first.
    async fn attempt(&mut self, job: &CaptureJob, granted: Option<&AgentSink>) -> Result<Stored, Broken> {
        let mut relay = match granted {
            Some(_) => None,
            None => {
                let upload = unless_cancelled(self.cx, self.plan.sink.begin(&job.version)).await?;
                Some(Relay::start(upload, self.agent.sender.clone(), self.cx))
            }
        };
        match self.drive(job, granted, relay.as_mut()).await {
            Ok(captured) => self.stored(captured, relay).await,
            Err(broken) => {
                if let Some(relay) = relay {
                    self.run.abandon(relay.stop().await);
                }
                Err(broken)
            }
        }
    }

    /// The order of a capture; gives what the agent states at its end, nothing yet where it waits to commit.
    async fn drive(
        &mut self,
        job: &CaptureJob,
        granted: Option<&AgentSink>,
        mut relay: Option<&mut Relay>,
    ) -> Result<Option<Captured>, Broken> {
        self.agent.sender.send(&ToAgent::Job(Box::new(Job::Capture(Box::new(job.clone())))))?;
        if let Some(sink) = granted {
            match self.next(None).await? {
                AgentMessage::Reached => self.agent.sender.send(&ToAgent::Grant(sink.grant.clone()))?,
                AgentMessage::Failed(failure) => return Err(self.failed(failure, false)),
                _ => return Err(protocol_violation().into()),
            }
        }
        match self.next(None).await? {
            AgentMessage::Begun => {}
            AgentMessage::Failed(failure) => return Err(self.failed(failure, true)),
            _ => return Err(protocol_violation().into()),
        }
        self.cx.events.phase(Phase::Quiescing);
        let quiesced = unless_cancelled(self.cx, self.session.quiesce()).await;
        let quiesced = quiesced.map_err(|error| target::begun(error, self.cx));
        self.or_stopped(quiesced).await?;
        self.cx.events.phase(Phase::Capturing);
        self.agent.sender.send(&ToAgent::Go)?;
        self.pump(relay.as_deref_mut()).await?;
        let quiet = unless_cancelled(self.cx, self.session.verify_quiesced()).await.map_err(target::disturbed);
        self.or_stopped(quiet).await?;
        self.resume().await;
        self.drain(relay, granted.is_some()).await
    }

    /// Moves what comes until the agent has read the last byte of the data.
    async fn pump(&mut self, mut relay: Option<&mut Relay>) -> Result<(), Broken> {
        loop {
            match (self.next(relay.as_deref_mut()).await?, relay.as_deref_mut()) {
                (AgentMessage::Data(chunk), Some(relay)) => relay.take(chunk),
                (AgentMessage::Captured, _) => return Ok(()),
                (AgentMessage::Failed(failure), _) => return Err(self.failed(failure, true)),
                _ => return Err(protocol_violation().into()),
            }
        }
    }

    /// Brings the workload back, which waits for no store. What fails is tried again when the session is closed; the data
    /// that was read is whole.
    async fn resume(&mut self) {
        if self.cx.downtime.total().is_some() {
            self.cx.events.phase(Phase::Resuming);
        }
        if let Err(error) = self.session.resume().await {
            self.run.warn(format!("the workload did not come back at once, and is tried again: {}", error.chain()));
        }
    }

    /// Moves the rest until everything is stored, by the agent where it is `direct`.
    async fn drain(&mut self, mut relay: Option<&mut Relay>, direct: bool) -> Result<Option<Captured>, Broken> {
        loop {
            match (self.next(relay.as_deref_mut()).await?, relay.as_deref_mut()) {
                (AgentMessage::Data(chunk), Some(relay)) => relay.take(chunk),
                (AgentMessage::Stored, _) if direct => return Ok(None),
                (AgentMessage::Done(Done::Captured { plain, stored, receipt, warnings }), _) if !direct => {
                    self.run.report.stored_bytes = stored;
                    return Ok(Some(Captured { plain, receipt, warnings }));
                }
                (AgentMessage::Failed(failure), _) => return Err(self.failed(failure, true)),
                _ => return Err(protocol_violation().into()),
            }
        }
    }

    /// What the agent says next. A cancellation, and a store that refuses, end the agent's work first.
    async fn next(&mut self, relay: Option<&mut Relay>) -> Result<AgentMessage, Broken> {
        let refused = async {
            match relay {
                Some(relay) => relay.refused().await,
                None => std::future::pending().await,
            }
        };
        let stopped: RunError = tokio::select! {
            biased;
            () = self.cx.cancel.cancelled() => cancelled(),
            // The store's refusal is the cause; what the agent says of its end is the consequence.
            error = refused => error,
            message = self.agent.next(&self.cx.events, None) => return Ok(message?),
        };
        self.or_stopped(Err(stopped)).await
    }

    /// What was stored, once the store has taken all of it.
    async fn stored(&mut self, captured: Option<Captured>, relay: Option<Relay>) -> Result<Stored, Broken> {
        let Some(relay) = relay else { return Ok(Stored::ByAgent) };
        let Some(captured) = captured else { return Err(protocol_violation().into()) };
        let stop = relay.stopper();
        let finishing = relay.finish();
        tokio::pin!(finishing);
        let finished = tokio::select! {
            biased;
            () = self.cx.cancel.cancelled() => {
                stop.cancel();
                finishing.await.map(|(upload, _)| (upload, Err(cancelled())))
            }
            finished = &mut finishing => finished,
        };
        match finished? {
            (upload, Ok(())) => Ok(Stored::Here { captured, upload }),
            (upload, Err(error)) => {
                self.run.abandon(Some(upload));
                Err(Broken::Failed(error))
            }
        }
    }

    fn failed(&self, failure: Failure, reached: bool) -> Broken {
        let out_of_reach = !reached && matches!(failure.kind, FailureKind::Sink(_));
        let error = error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program);
        if out_of_reach { Broken::OutOfReach(error) } else { Broken::Failed(error) }
    }

    /// The result; where it is an error, the agent is asked to stop and waited for. It has not been asked to commit, so there is
    /// no version.
    async fn or_stopped<T>(&mut self, result: Result<T, RunError>) -> Result<T, Broken> {
        let error = match result {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if self.agent.sender.send(&ToAgent::Cancel).is_ok() {
            let _ = timeout(GRACE, self.last_words()).await;
        }
        Err(error.into())
    }

    /// Has the agent commit, and waits for what it makes of it. Nobody else knows: if the agent is lost now, the outcome
    /// is unknown.
    async fn commit_by_agent(&mut self) -> Result<Captured, RunError> {
        self.cx.events.phase(Phase::Committing);
        self.cx.commitment.begin();
        self.agent.sender.send(&ToAgent::Commit).inspect_err(|_| self.cx.commitment.refused())?;
        match timeout(COMMIT, self.last_words()).await {
            Ok(Some(LastWords::Done(captured))) => Ok(captured),
            Ok(Some(LastWords::Failed(failure))) if failure.kind == FailureKind::Cancelled => {
                self.cx.commitment.refused();
                Err(cancelled())
            }
            Ok(Some(LastWords::Failed(failure))) => {
                if failure.kind != FailureKind::CommitUnknown {
                    self.cx.commitment.refused();
                }
                Err(error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program))
            }
            Ok(None) => Err(error::unknown("the agent was lost meanwhile".into(), None)),
            Err(_) => Err(error::unknown(format!("the agent gave no answer for {} s", COMMIT.as_secs()), None)),
        }
    }

    /// What the agent says at its end, or before; `None` where the link breaks.
    async fn last_words(&mut self) -> Option<LastWords> {
        loop {
            match self.agent.next(&self.cx.events, None).await {
                Ok(AgentMessage::Data(chunk)) => self.agent.sender.credit(chunk.len()),
                Ok(AgentMessage::Reached | AgentMessage::Begun | AgentMessage::Captured | AgentMessage::Stored) => {}
                Ok(AgentMessage::Done(Done::Captured { plain, stored, receipt: Some(receipt), warnings })) => {
                    self.run.report.stored_bytes = stored;
                    return Some(LastWords::Done(Captured { plain, receipt: Some(receipt), warnings }));
                }
                Ok(AgentMessage::Failed(failure)) => return Some(LastWords::Failed(failure)),
                Ok(AgentMessage::Done(_)) | Err(_) => return None,
            }
        }
    }

    async fn commit(&mut self, upload: Box<dyn Upload>) -> Result<Receipt, RunError> {
        self.cx.events.phase(Phase::Committing);
        self.cx.commitment.begin();
        let committed = upload.commit().await.inspect_err(|error| {
            if matches!(error, CommitError::Refused(_)) {
                self.cx.commitment.refused();
            }
        });
        Ok(committed?)
    }

    fn made(self, captured: Captured, receipt: Receipt) {
        self.cx.commitment.made(receipt.version);
        self.run.report.plain_bytes = captured.plain;
        self.run.report.committed(&receipt);
        for warning in captured.warnings.into_iter().chain(receipt.warnings) {
            self.run.warn(warning);
        }
    }
}

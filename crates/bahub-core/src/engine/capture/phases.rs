//! The phases of a capture, each from what begins it to what ends it.

use super::dialogue::Capturing;
use super::outcome::{Broken, Captured, Stored};
use crate::engine::agent::{AgentMessage, protocol_violation};
use crate::engine::control::{cancelled, unless_cancelled};
use crate::engine::target;
use crate::engine::upload::Relay;
use crate::event::Phase;
use crate::link::{CaptureJob, Done, Job, ToAgent};
use crate::sink::AgentSink;

impl Capturing<'_> {
    /// Asks for the job.
    pub(super) fn ask(&mut self, job: &CaptureJob) -> Result<(), Broken> {
        let job = Job::Capture(Box::new(job.clone()));
        Ok(self.agent.sender.send(&ToAgent::Job(Box::new(job)))?)
    }

    /// The agent reaches the store, and gets the credentials for it only then.
    pub(super) async fn reached(&mut self, granted: &AgentSink) -> Result<(), Broken> {
        match self.next(None).await? {
            AgentMessage::Reached => Ok(self.agent.sender.send(&ToAgent::Grant(granted.grant.clone()))?),
            AgentMessage::Failed(failure) => Err(self.failed(failure, false)),
            _ => Err(protocol_violation().into()),
        }
    }

    /// The agent has counted what there is, and on a direct route begun the version.
    pub(super) async fn begun(&mut self) -> Result<(), Broken> {
        match self.next(None).await? {
            AgentMessage::Begun => Ok(()),
            AgentMessage::Failed(failure) => Err(self.failed(failure, true)),
            _ => Err(protocol_violation().into()),
        }
    }

    /// Stops the workload, where the transport does.
    pub(super) async fn quiesce(&mut self) -> Result<(), Broken> {
        self.cx.events.phase(Phase::Quiescing);
        let quiesced = unless_cancelled(self.cx, self.session.quiesce()).await;
        let quiesced = quiesced.map_err(|error| target::begun(error, self.cx));
        self.or_stopped(quiesced).await
    }

    /// Lets the agent read the data.
    pub(super) fn go(&mut self) -> Result<(), Broken> {
        self.cx.events.phase(Phase::Capturing);
        Ok(self.agent.sender.send(&ToAgent::Go)?)
    }

    /// Moves what comes until the agent has read the last byte of the data.
    pub(super) async fn pump(&mut self, mut relay: Option<&mut Relay>) -> Result<(), Broken> {
        loop {
            match (self.next(relay.as_deref_mut()).await?, relay.as_deref_mut()) {
                (AgentMessage::Data(chunk), Some(relay)) => relay.take(chunk),
                (AgentMessage::Feed(segment), _) => self.feed.begin(segment, self.agent.sender.clone())?,
                (AgentMessage::Captured, _) => return Ok(()),
                (AgentMessage::Failed(failure), _) => return Err(self.failed(failure, true)),
                _ => return Err(protocol_violation().into()),
            }
        }
    }

    /// Nothing ran on the data while it was read.
    pub(super) async fn verify_quiesced(&mut self) -> Result<(), Broken> {
        let quiet = unless_cancelled(self.cx, self.session.verify_quiesced()).await.map_err(target::disturbed);
        self.or_stopped(quiet).await
    }

    /// Brings the workload back, which waits for no store. What fails is tried again when the session is closed; the data
    /// that was read is whole.
    pub(super) async fn resume(&mut self) {
        if self.cx.downtime.total().is_some() {
            self.cx.events.phase(Phase::Resuming);
        }
        if let Err(error) = self.session.resume().await {
            self.run.warn(format!("the workload could not be restarted, which will be retried: {}", error.chain()));
        }
    }

    /// Moves the rest until everything is stored, by the agent where it is `direct`.
    pub(super) async fn drain(
        &mut self,
        mut relay: Option<&mut Relay>,
        direct: bool,
    ) -> Result<Option<Captured>, Broken> {
        loop {
            match (self.next(relay.as_deref_mut()).await?, relay.as_deref_mut()) {
                (AgentMessage::Data(chunk), Some(relay)) => relay.take(chunk),
                (AgentMessage::Stored, _) if direct => return Ok(None),
                (AgentMessage::Done(Done::Captured { plain, stored, receipt, warnings, missing }), _) if !direct => {
                    self.run.report.stored_bytes = stored;
                    return Ok(Some(Captured { plain, receipt, warnings, missing }));
                }
                (AgentMessage::Failed(failure), _) => return Err(self.failed(failure, true)),
                _ => return Err(protocol_violation().into()),
            }
        }
    }

    /// What was stored, once the store has taken all of it.
    pub(super) async fn stored(&mut self, captured: Option<Captured>, relay: Option<Relay>) -> Result<Stored, Broken> {
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
}

//! The agent of this process, as its controller.

use std::time::Duration;

use bahub_core::link::{self, Done, FromAgent, Incoming, Job, LinkReceiver, LinkSender, ToAgent};
use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Run;
use super::teller::Teller;
use super::trouble::{Trouble, cancelled};
use crate::AgentSinks;
use crate::serve::serve_link;
use crate::stream::Form;

/// How long it may take to end its programs and its upload.
const GRACE: Duration = Duration::from_secs(30);

/// A running agent that leaves every stream as it is.
pub(super) struct Agent {
    sender: LinkSender<ToAgent>,
    receiver: LinkReceiver<FromAgent>,
    serving: JoinHandle<()>,
    stop: CancellationToken,
    stopping: bool,
    teller: Teller,
}

/// What it said, besides what was passed on.
pub(super) enum Said {
    Reached,
    Begun,
    Stored,
    Data(Bytes),
    Done(Done),
}

impl Run<'_> {
    /// Starts an agent, has `work` use it, and waits until it has ended everything.
    pub(super) async fn with_agent<T>(
        &self,
        work: impl AsyncFnOnce(&mut Agent) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let ((sender, receiver), theirs) = link::pair();
        let sinks = AgentSinks::new(bahub_sinks::agent_sinks());
        let serving = tokio::spawn(serve_link(theirs, sinks, Form::AsIs));
        let (stop, teller) = (self.stop.clone(), self.teller.clone());
        let mut agent = Agent { sender, receiver, serving, stop, stopping: false, teller };
        let done = work(&mut agent).await;
        agent.quit().await;
        done
    }
}

impl Agent {
    /// Gives it work, unless the run is to stop: a cancellation between two jobs reaches neither.
    pub(super) fn begin(&self, job: Job) -> Result<(), Trouble> {
        if self.stop.is_cancelled() {
            return Err(cancelled());
        }
        self.send(&ToAgent::Job(Box::new(job)))
    }

    pub(super) fn send(&self, message: &ToAgent) -> Result<(), Trouble> {
        Ok(self.sender.send(message)?)
    }

    /// Tells that so many bytes of its data were dealt with.
    pub(super) fn credit(&self, bytes: usize) {
        self.sender.credit(bytes);
    }

    /// Waits for what it says next. A signal is passed on to it once; it then says that it failed, when everything that it
    /// began is ended.
    pub(super) async fn next(&mut self) -> Result<Said, Trouble> {
        loop {
            let incoming = tokio::select! {
                biased;
                () = self.stop.cancelled(), if !self.stopping => {
                    self.stopping = true;
                    self.teller.info("stopping: what was begun is ended");
                    self.sender.send(&ToAgent::Cancel)?;
                    continue;
                }
                incoming = self.receiver.next() => incoming?,
            };
            let message = match incoming {
                Incoming::Data(bytes) => return Ok(Said::Data(bytes)),
                Incoming::Message(message) => message,
            };
            match message {
                FromAgent::Hello(_) | FromAgent::Progress { .. } | FromAgent::Captured => {}
                FromAgent::Log { source, line } if source == "agent" => self.teller.warn(&line),
                FromAgent::Log { line, .. } => self.teller.pass_on(&line),
                FromAgent::Reached => return Ok(Said::Reached),
                FromAgent::Begun => return Ok(Said::Begun),
                FromAgent::Stored => return Ok(Said::Stored),
                FromAgent::Done(done) => {
                    if let Done::Captured { warnings, .. } | Done::Read { warnings, .. } = done.as_ref() {
                        warnings.iter().for_each(|warning| self.teller.warn(warning));
                    }
                    return Ok(Said::Done(*done));
                }
                FromAgent::Failed(failure) => return Err((*failure).into()),
            }
        }
    }

    /// Lets it go and waits until every program is dead and every upload ended.
    async fn quit(self) {
        let Self { sender, receiver, mut serving, .. } = self;
        let _ = sender.send(&ToAgent::Quit);
        // A job that waits for room in the link is let go.
        drop(receiver);
        if timeout(GRACE, &mut serving).await.is_err() {
            serving.abort();
        }
    }
}

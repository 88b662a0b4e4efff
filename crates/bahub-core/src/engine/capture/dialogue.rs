//! What the agent of a capture says next, and at its end.

use tokio::time::timeout;

use super::feed::Feed;
use super::outcome::{Broken, Captured, LastWords};
use crate::engine::agent::{Agent, AgentMessage, GRACE};
use crate::engine::control::cancelled;
use crate::engine::error::{self, RunError, RunErrorKind};
use crate::engine::run::Run;
use crate::engine::runner::Engine;
use crate::engine::upload::Relay;
use crate::link::{Done, Failure, FailureKind, ToAgent};
use crate::plan::Plan;
use crate::run::RunContext;
use crate::transport::Session;

/// Everything that takes part in a capture.
pub(in crate::engine) struct Capturing<'a> {
    #[cfg_attr(not(feature = "hooks"), expect(dead_code, reason = "for hooks"))]
    pub(in crate::engine) engine: &'a Engine,
    pub(in crate::engine) plan: &'a Plan,
    pub(in crate::engine) cx: &'a RunContext,
    pub(in crate::engine) agent: &'a mut Agent,
    pub(in crate::engine) session: &'a mut dyn Session,
    pub(in crate::engine) run: &'a mut Run,
    pub(in crate::engine) feed: Feed,
}

impl Capturing<'_> {
    /// What the agent says next, while it is fed. A cancellation, a store that refuses and a stream that fails end the agent's
    /// work first.
    pub(super) async fn next(&mut self, relay: Option<&mut Relay>) -> Result<AgentMessage, Broken> {
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
            error = self.feed.failed() => error,
            message = self.agent.next(&self.cx.events, None) => return Ok(message?),
        };
        self.or_stopped(Err(stopped)).await
    }

    pub(super) fn failed(&self, failure: Failure, reached: bool) -> Broken {
        let out_of_reach = !reached && matches!(failure.kind, FailureKind::Sink(_));
        let error = error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program);
        if out_of_reach { Broken::OutOfReach(error) } else { Broken::Failed(error) }
    }

    /// The result; where it is an error, the agent is asked to stop and waited for. It has not been asked to commit, so there is
    /// no version.
    pub(super) async fn or_stopped<T>(&mut self, result: Result<T, RunError>) -> Result<T, Broken> {
        let error = match result {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        self.feed.stop();
        if self.agent.sender.send(&ToAgent::Cancel).is_ok() {
            let _ = timeout(GRACE, self.last_words()).await;
        }
        Err(error.into())
    }

    /// What the agent says at its end, or before; `None` where the link breaks.
    pub(super) async fn last_words(&mut self) -> Option<LastWords> {
        loop {
            match self.agent.next(&self.cx.events, None).await {
                Ok(AgentMessage::Data(chunk)) => self.agent.sender.credit(chunk.len()),
                Ok(
                    AgentMessage::Reached
                    | AgentMessage::Begun
                    | AgentMessage::Feed(_)
                    | AgentMessage::Captured
                    | AgentMessage::Stored,
                ) => {}
                Ok(AgentMessage::Done(Done::Captured { plain, stored, receipt: Some(receipt), warnings, missing })) => {
                    self.run.report.stored_bytes = stored;
                    return Some(LastWords::Done(Captured { plain, receipt: Some(receipt), warnings, missing }));
                }
                Ok(AgentMessage::Failed(failure)) => return Some(LastWords::Failed(failure)),
                Ok(AgentMessage::Done(_)) | Err(_) => return None,
            }
        }
    }
}

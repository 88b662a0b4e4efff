//! An agent that tells one lie.

use bahub_core::adapter::Findings;
use bahub_core::agent::LocalAgent;
use bahub_core::link::{Done, FromAgent, Hello, Incoming, Job, LinkEnd, LinkSender, PROTOCOL, ToAgent};
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::fixtures::noise;

/// What an agent lies about when it should capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentLie {
    /// It sends bytes and ends the link silently, like an exec stream that is cut with status 0.
    EndsWithoutDone,
    /// It sends bytes and reports that probes succeeded.
    DoneForAnotherJob,
    /// It ends the link before the first byte.
    EndsAtOnce,
    /// It says hello a second time, as if it had been restarted.
    StartsAgain,
}

/// Answers probes, and lies about everything else.
#[derive(Debug, Clone, Copy)]
pub struct LyingAgent(
    /// The lie.
    pub AgentLie,
);

impl LocalAgent for LyingAgent {
    fn serve(&self, (sender, mut receiver): LinkEnd<FromAgent, ToAgent>) -> BoxFuture<'static, ()> {
        let lie = self.0;
        Box::pin(async move {
            let _ = sender.send(&hello());
            while let Ok(incoming) = receiver.next().await {
                match incoming {
                    Incoming::Message(ToAgent::Job(job)) => match *job {
                        Job::Probe(_) => drop(sender.send(&probed())),
                        Job::Lines(_) => drop(sender.send(&FromAgent::Done(Box::new(Done::Lines(Vec::new()))))),
                        Job::Capture(_) | Job::Read(_) => {
                            if !tell(lie, &sender).await {
                                return;
                            }
                        }
                    },
                    Incoming::Message(ToAgent::Quit) => return,
                    Incoming::Message(_) | Incoming::Data(_) => {}
                }
            }
        })
    }
}

/// Tells the lie; `false` ends the link.
async fn tell(lie: AgentLie, sender: &LinkSender<FromAgent>) -> bool {
    if lie != AgentLie::EndsAtOnce {
        let _ = sender.data(Bytes::from(noise(100_000))).await;
    }
    match lie {
        AgentLie::EndsWithoutDone => {
            // What was sent arrives before the end does.
            tokio::task::yield_now().await;
            false
        }
        AgentLie::EndsAtOnce => false,
        AgentLie::DoneForAnotherJob => sender.send(&probed()).is_ok(),
        AgentLie::StartsAgain => sender.send(&hello()).is_ok(),
    }
}

fn hello() -> FromAgent {
    FromAgent::Hello(Hello { protocol: PROTOCOL, version: "0.0.0".into(), sinks: Vec::new() })
}

fn probed() -> FromAgent {
    FromAgent::Done(Box::new(Done::Probed(Findings::default())))
}

//! The job of reading a message, as the controller drives it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::agent::{Agent, AgentMessage, GRACE, protocol_violation};
use super::control::cancelled;
use super::error::{self, RunError, RunErrorKind};
use super::route;
use super::version::ResolvedVersion;
use crate::capture::MissingPart;
use crate::facts::Fact;
use crate::link::{Deliver, Done, Expected, Failure, FailureKind, Job, LinkSender, ReadJob, ToAgent};
use crate::plan::Plan;
use crate::replay::Stored;
use crate::run::RunContext;
use crate::sink::{AgentSink, Sink, SinkError, SinkErrorKind};
use crate::step;
use crate::transport::Locality;

/// Everything that takes part in reading a message.
pub(super) struct Reading<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cx: &'a RunContext,
    pub(super) agent: &'a mut Agent,
    pub(super) found: &'a ResolvedVersion,
    /// What a direct route needs; removed where the agent cannot take it.
    pub(super) granted: Option<AgentSink>,
}

/// What takes the content that is delivered to the controller.
pub(super) enum Content<'a> {
    /// Nothing: no content may come.
    Rejected,
    /// A file, whose name is for the error.
    File(&'a mut File, &'a Path),
    /// The program that embeds the engine; a cancellation ends the wait for it.
    Reader(mpsc::Sender<Bytes>, &'a CancellationToken),
}

impl Content<'_> {
    async fn take(&mut self, chunk: &Bytes) -> Result<(), RunError> {
        match self {
            Self::Rejected => Err(protocol_violation()),
            Self::File(file, path) => file.write_all(chunk).await.map_err(|error| not_written(path, &error)),
            Self::Reader(sender, cancel) => tokio::select! {
                () = cancel.cancelled() => Err(cancelled()),
                // A reader that is gone cancels.
                sent = sender.send(chunk.clone()) => sent.map_err(|_| cancelled()),
            },
        }
    }
}

/// The file that is downloaded into cannot be written.
pub(super) fn not_written(path: &Path, error: &std::io::Error) -> RunError {
    RunError::new(RunErrorKind::Output, format!("cannot write {}: {error}", path.display()))
}

/// How long a restore that is to stop may take to undo what it did, or to learn that it has taken effect.
const PUT_BACK: Duration = Duration::from_secs(150);

/// The result of a read.
#[derive(Debug, Clone)]
pub(super) struct Readings {
    pub(super) plain: u64,
    pub(super) stored: u64,
    pub(super) sha256: String,
    pub(super) warnings: Vec<String>,
    /// What a proof or a peek learnt of the content.
    pub(super) stored_content: Stored,
    /// What was counted before and after the capture, where the message was read to its end.
    pub(super) census: Option<[Vec<String>; 2]>,
    /// The parts that are not whole in it, as far as it was read.
    pub(super) missing: Vec<MissingPart>,
    /// Its last bytes, where a message that bahub did not make was proven.
    suffix: Option<Bytes>,
}

impl Readings {
    fn of(done: Done) -> Option<Self> {
        let Done::Read { plain, stored, sha256, facts, prefix, suffix, warnings, .. } = done else { return None };
        let (mut record, mut instance, mut census, mut missing) = (None, None, None, Vec::new());
        for fact in facts.iter().filter_map(|fact| Fact::from_content(fact.as_bytes())) {
            match fact {
                Fact::Head { record: of_head, instance: of_version, .. } => {
                    record = record.or(Some(of_head));
                    instance = instance.or(of_version);
                }
                Fact::Tail { census: of_tail, .. } => census = of_tail,
                Fact::Missing(part) => missing.push(part),
                Fact::Segment { .. } => {}
            }
        }
        let names = missing.iter().map(|part| part.name.clone()).collect();
        let stored_content = Stored { record: record.unwrap_or_default(), prefix, instance, missing: names };
        let suffix = suffix.map(|suffix| Bytes::from(suffix.0));
        Some(Self { plain, stored, sha256, warnings, stored_content, census, missing, suffix })
    }

    /// Refuses content that was cut before it was encrypted.
    pub(super) fn ended_with(&self, trailer: Option<&step::ByteString>) -> Result<(), RunError> {
        match (&self.suffix, trailer) {
            (Some(suffix), Some(trailer)) if memmem(suffix, &trailer.0).is_none() => {
                let message =
                    format!("the backup does not end with {trailer:?}: its data was cut off before it was encrypted");
                let help =
                    "restore another version ({list the versions}); to inspect what there is: {download the data}";
                Err(RunError::new(RunErrorKind::Integrity, message).with_help(help))
            }
            _ => Ok(()),
        }
    }
}

fn memmem(bytes: &[u8], words: &[u8]) -> Option<usize> {
    bytes.windows(words.len().max(1)).position(|window| window == words)
}

impl Reading<'_> {
    /// Reads the message to its proven end; what an agent cannot reach is relayed to it. `proven` is the result of a first
    /// pass, and `content` takes what is delivered to the controller.
    pub(super) async fn run(
        &mut self,
        deliver: Deliver,
        proven: Option<String>,
        mut content: Content<'_>,
    ) -> Result<Readings, RunError> {
        let (mut reached, mut why_relayed) = (self.granted.is_none(), None);
        // From this very host the controller reaches no further.
        if !reached && self.plan.relay != Some(false) && self.agent.locality == Locality::Remote {
            match self.attempt(deliver.clone(), proven.clone(), &mut content, &mut reached).await {
                Err(error) if !reached && is_stores(&error) => {
                    self.granted = None;
                    why_relayed = Some(route::relayed_because(&error));
                }
                read => return read,
            }
        }
        let mut read = self.attempt(deliver, proven, &mut content, &mut reached).await?;
        read.warnings.extend(why_relayed);
        Ok(read)
    }

    async fn attempt(
        &mut self,
        deliver: Deliver,
        proven: Option<String>,
        content: &mut Content<'_>,
        reached: &mut bool,
    ) -> Result<Readings, RunError> {
        let restores = matches!(deliver, Deliver::Replay(_));
        let job = ReadJob {
            route: route::route_of(self.granted.as_ref()),
            version: self.found.number,
            size: self.found.size,
            expected: match (proven, &self.found.sha256) {
                (Some(sha256), _) => Expected::Proven(sha256),
                (None, Some(sha256)) => Expected::Stored(sha256.clone()),
                (None, None) => Expected::Any,
            },
            deliver,
        };
        self.agent.sender.send(&ToAgent::Job(Box::new(Job::Read(job))))?;
        self.agent.sender.send(&ToAgent::SessionKey(self.found.key.clone()))?;
        let relay = relay(self.plan.sink.as_ref(), self.found, self.agent.sender.clone(), self.granted.is_none());
        tokio::pin!(relay);
        let mut relayed = false;
        loop {
            let said = tokio::select! {
                biased;
                () = self.cx.cancel.cancelled() => return self.stop(cancelled(), restores).await,
                sent = &mut relay, if !relayed => {
                    relayed = true;
                    match sent {
                        Ok(()) => continue,
                        Err(error) => return self.stop(error, restores).await,
                    }
                }
                said = self.agent.next(&self.cx.events, self.found.size) => said?,
            };
            match (said, self.granted.as_ref()) {
                (AgentMessage::Reached, Some(sink)) => {
                    *reached = true;
                    self.agent.sender.send(&ToAgent::Grant(sink.grant.clone()))?;
                }
                (AgentMessage::Data(chunk), _) => {
                    let size = chunk.len();
                    if let Err(error) = content.take(&chunk).await {
                        return self.stop(error, restores).await;
                    }
                    self.agent.sender.credit(size);
                }
                (AgentMessage::Done(done), _) => return Readings::of(done).ok_or_else(protocol_violation),
                (AgentMessage::Failed(failure), _) => return Err(self.failed(failure)),
                (
                    AgentMessage::Reached
                    | AgentMessage::Begun
                    | AgentMessage::Feed(_)
                    | AgentMessage::Captured
                    | AgentMessage::Stored,
                    _,
                ) => return Err(protocol_violation()),
            }
        }
    }

    /// The agent's failure; where the message is to blame, with its place.
    fn failed(&self, failure: Failure) -> RunError {
        let error = error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program);
        match error.kind() {
            RunErrorKind::Integrity => {
                let store = self.plan.sink.identity();
                RunError::new(RunErrorKind::Integrity, format!("{} in {store}: {error}", self.found.number))
                    .with_help_opt(error.help().cloned())
            }
            _ => error,
        }
    }

    /// Asks the agent to stop and waits until it has; the result is the cause. Where the agent had failed by itself, its
    /// error is the cause of a store's broken pipe. A restore that has taken effect, or may have, says so.
    async fn stop(&mut self, cause: RunError, restores: bool) -> Result<Readings, RunError> {
        let deadline = Instant::now() + if restores { PUT_BACK } else { GRACE };
        if self.agent.sender.send(&ToAgent::Cancel).is_err() {
            return Err(cause);
        }
        loop {
            match timeout_at(deadline, self.agent.next(&self.cx.events, None)).await {
                Ok(Ok(AgentMessage::Data(chunk))) => self.agent.sender.credit(chunk.len()),
                Ok(Ok(AgentMessage::Reached)) => {}
                Ok(Ok(AgentMessage::Failed(Failure { kind: FailureKind::Step(step), .. })))
                    if cause.kind() == RunErrorKind::Agent =>
                {
                    let failure = Failure::from(*step);
                    return Err(error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program));
                }
                Ok(Ok(AgentMessage::Done(done))) if restores => return Readings::of(done).ok_or(cause),
                Ok(Ok(AgentMessage::Failed(failure))) if failure.kind == FailureKind::EffectUnknown => {
                    return Err(self.failed(failure));
                }
                _ => return Err(cause),
            }
        }
    }
}

fn is_stores(error: &RunError) -> bool {
    matches!(error.kind(), RunErrorKind::Store | RunErrorKind::NoVersion)
}

/// Sends the message's bytes through the link, where the route is relayed, and states their end.
async fn relay(
    sink: &dyn Sink,
    found: &ResolvedVersion,
    sender: LinkSender<ToAgent>,
    relayed: bool,
) -> Result<(), RunError> {
    if !relayed {
        return Ok(());
    }
    let mut download = sink.open(found.number).await?;
    let mut count = 0;
    while let Some(chunk) = download.stream.next().await {
        let chunk = chunk?;
        count += chunk.len() as u64;
        sender.data(chunk).await?;
    }
    if let Some(size) = download.missed_size(count) {
        let message = format!("the store sent {count} bytes of {}, whose size is {size}", found.number);
        return Err(SinkError::new(SinkErrorKind::Corrupt, message).into());
    }
    Ok(sender.send(&ToAgent::DataEnd)?)
}

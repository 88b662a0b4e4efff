//! `restore`: a version, proven, for a command's standard input.

use bahub_core::link::{Deliver, Done, Expected, Job, ReadJob, Route, ToAgent};
use bahub_core::replay::Replay;
use bahub_core::sink::{AgentSink, Purpose, Sink};
use bytes::Bytes;

use super::agent::{Agent, Said};
use super::options::Restore;
use super::store::Found;
use super::trouble::{Trouble, nonsense};
use super::{Run, shell, store};

impl Run<'_> {
    /// Reads the version to its proven end, and only then starts the command, which gets the end of its input only if the
    /// same message came a second time.
    pub(super) async fn restore(&self, restore: &Restore) -> Result<(), Trouble> {
        let sink = store::open(self.options)?;
        let found = self.find(&sink, restore.version, &restore.key).await?;
        let granted = self.granted(&sink, &found).await?;
        let replay = Replay { main: vec![shell::reading(&restore.command)], ..Replay::default() };
        let read = self
            .with_agent(async |agent| {
                self.teller.info(&format!("proving {} of {}", found.number, sink.identity()));
                let proven = reading(agent, &found, &granted, Deliver::Prove, None, nothing).await?;
                self.teller.info(&format!("{} is whole: restoring", found.number));
                let deliver = Deliver::Replay(Box::new(replay));
                reading(agent, &found, &granted, deliver, Some(proven.sha256), nothing).await
            })
            .await?;
        self.teller.info(&format!("{} is restored: {} bytes", found.number, read.plain));
        Ok(())
    }

    /// What the agent needs to read this version.
    pub(super) async fn granted(&self, sink: &dyn Sink, found: &Found) -> Result<AgentSink, Trouble> {
        self.unless_stopped(sink.delegate(Purpose::Download(found.number))).await?.ok_or_else(nonsense)
    }
}

/// What a read came to.
pub(super) struct Read {
    pub(super) plain: u64,
    pub(super) sha256: String,
}

/// Has the agent read the message to its proven end. `proven` is the SHA-256 of a first pass, and `take` gets what is
/// delivered here.
pub(super) async fn reading(
    agent: &mut Agent,
    found: &Found,
    granted: &AgentSink,
    deliver: Deliver,
    proven: Option<String>,
    mut take: impl AsyncFnMut(Bytes) -> Result<(), Trouble>,
) -> Result<Read, Trouble> {
    let stored = || found.sha256.clone().map_or(Expected::Any, Expected::Stored);
    agent.begin(Job::Read(ReadJob {
        route: Route::Direct { kind: granted.kind.clone(), endpoint: granted.endpoint.clone() },
        version: found.number,
        size: found.size,
        expected: proven.map_or_else(stored, Expected::Proven),
        deliver,
    }))?;
    agent.send(&ToAgent::SessionKey(found.key.clone()))?;
    loop {
        match agent.next().await? {
            Said::Reached => agent.send(&ToAgent::Grant(granted.grant.clone()))?,
            Said::Data(chunk) => {
                let size = chunk.len();
                take(chunk).await?;
                agent.credit(size);
            }
            Said::Done(Done::Read { plain, sha256, .. }) => return Ok(Read { plain, sha256 }),
            _ => return Err(nonsense()),
        }
    }
}

/// Takes what is delivered here where nothing is.
async fn nothing(_: Bytes) -> Result<(), Trouble> {
    Err(nonsense())
}

//! An agent as the controller holds it.

use std::ffi::OsStr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::agent_program;
use super::control::cancelled;
use super::error::{self, RunError, RunErrorKind};
use super::run::Run;
use super::runner::{Engine, Environment};
use crate::adapter::{Adapter, Finding, Findings};
use crate::event::{Event, Events};
use crate::link::{
    self, Done, Failure, FromAgent, Hello, Incoming, Job, LinkEnd, LinkReceiver, LinkSender, PROTOCOL, ProbeStep,
    ToAgent,
};
use crate::run::RunContext;
use crate::step::Step;
use crate::transport::{Exec, Locality, Process, PutFile, Recovered, Session};

/// How long an agent may take to say hello.
const HELLO: Duration = Duration::from_secs(30);
/// How long a probe may take, in seconds.
const PROBE: u64 = 10;
/// How long the removal of leftovers may take, in seconds.
const CLEANUP: u64 = 300;
/// The finding of what was removed.
const REMOVED: &str = "removed";
/// How long an agent may take to end its programs and its upload after a cancellation.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// A running agent.
pub(super) struct Agent {
    pub(super) sender: LinkSender<ToAgent>,
    receiver: LinkReceiver<FromAgent>,
    pub(super) hello: Hello,
    pub(super) locality: Locality,
    environment: Environment,
    serving: JoinHandle<()>,
}

/// What an agent said, besides what was passed on as an event.
pub(super) enum AgentMessage {
    Reached,
    Begun,
    Feed(u32),
    Captured,
    Stored,
    Data(bytes::Bytes),
    Done(Done),
    Failed(Failure),
}

impl Engine {
    /// Starts an agent in the target of this session.
    pub(super) async fn agent_at(&self, session: &mut dyn Session, cx: &RunContext) -> Result<Agent, RunError> {
        match session.locality() {
            Locality::Here => self.agent_here().await,
            Locality::Remote => self.agent_placed(session, cx).await,
        }
    }

    /// Starts an agent in this process.
    pub(super) async fn agent_here(&self) -> Result<Agent, RunError> {
        let (ours, theirs) = link::pair();
        let serving = tokio::spawn(self.local_agent.serve(theirs));
        Agent::greet(ours, (Locality::Here, self.environment), serving).await
    }

    /// Places the agent's program through the session and speaks to it over its stdio.
    async fn agent_placed(&self, session: &mut dyn Session, cx: &RunContext) -> Result<Agent, RunError> {
        let programs = self
            .agent_program
            .as_ref()
            .ok_or_else(|| RunError::new(RunErrorKind::Agent, "there is no agent program to run next to the data"))?;
        let machine = session.machine().await?;
        let content = programs.load(machine.as_deref().unwrap_or(std::env::consts::ARCH)).await?;
        let placed = session.put(PutFile { name: agent_program::NAME, content: &content, mode: 0o555 }).await?;
        let process = session.exec(&Exec::new([placed.0.as_str(), "serve"])).await?;
        let Process { stdin, stdout, stderr, exit } = process;
        let events = cx.events.clone();
        let serving = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                events.emit(Event::Log { source: "agent".into(), line });
            }
            // The exit status proves nothing either way: success is what the agent states.
            exit.await;
        });
        Agent::greet(link::connect(stdout, stdin), (Locality::Remote, self.environment), serving).await
    }
}

impl Agent {
    async fn greet(
        (sender, mut receiver): LinkEnd<ToAgent, FromAgent>,
        (locality, environment): (Locality, Environment),
        serving: JoinHandle<()>,
    ) -> Result<Self, RunError> {
        let failed = |what: String| RunError::new(RunErrorKind::Agent, what);
        let hello = match timeout(HELLO, receiver.next()).await {
            Ok(Ok(Incoming::Message(FromAgent::Hello(hello)))) => hello,
            Ok(Ok(_)) => return Err(failed("the agent did not start with its greeting".into())),
            Ok(Err(error)) => return Err(failed(format!("the agent did not start: {error}"))),
            Err(_) => return Err(failed(format!("the agent did not answer within {} s", HELLO.as_secs()))),
        };
        if hello.protocol != PROTOCOL {
            let theirs =
                format!("the agent {} speaks protocol {}, this bahub {PROTOCOL}", hello.version, hello.protocol);
            return Err(failed(theirs).with_help("use the agent program of the same version as this bahub"));
        }
        Ok(Self { sender, receiver, hello, locality, environment, serving })
    }

    /// Waits for what the agent says next; progress and log lines become events.
    pub(super) async fn next(&mut self, events: &Events, of: Option<u64>) -> Result<AgentMessage, RunError> {
        loop {
            match self.receiver.next().await? {
                Incoming::Data(bytes) => return Ok(AgentMessage::Data(bytes)),
                Incoming::Message(FromAgent::Progress { plain, stored }) => {
                    events.emit(Event::Progress { plain, stored, of });
                }
                Incoming::Message(FromAgent::Log { source, line }) => events.emit(Event::Log { source, line }),
                Incoming::Message(FromAgent::Reached) => return Ok(AgentMessage::Reached),
                Incoming::Message(FromAgent::Begun) => return Ok(AgentMessage::Begun),
                Incoming::Message(FromAgent::Feed { segment }) => return Ok(AgentMessage::Feed(segment)),
                Incoming::Message(FromAgent::Captured) => return Ok(AgentMessage::Captured),
                Incoming::Message(FromAgent::Stored) => return Ok(AgentMessage::Stored),
                Incoming::Message(FromAgent::Done(done)) => return Ok(AgentMessage::Done(*done)),
                Incoming::Message(FromAgent::Failed(failure)) => return Ok(AgentMessage::Failed(*failure)),
                Incoming::Message(FromAgent::Hello(_)) => {
                    return Err(RunError::new(RunErrorKind::Agent, "the agent started a second time"));
                }
            }
        }
    }

    /// Runs the adapter's probes. Returns everything that they found, and of that the programs and their versions.
    pub(super) async fn probe(
        &mut self,
        adapter: &dyn Adapter,
        cx: &RunContext,
    ) -> Result<(Findings, Findings), RunError> {
        let probes = adapter.preflight(cx.purpose);
        let is_tool = |name: &str| {
            probes
                .iter()
                .any(|probe| probe.finding.is_some_and(|of| of == Finding::Tool(of.name()) && of.name() == name))
        };
        let steps = probes.iter().map(|probe| ProbeStep {
            step: probe.step.clone(),
            finding: probe.finding.map(|finding| finding.name().to_owned()),
            limit: PROBE,
        });
        let found = self.run_probes(steps.collect(), adapter, cx).await?;
        let tools = found.0.iter().filter(|(name, _)| is_tool(name));
        let tools = Findings(tools.map(|(name, line)| (name.clone(), line.clone())).collect());
        Ok((found, tools))
    }

    /// Has the adapter remove what restores of dead runs left. A failure is no reason not to back up.
    pub(super) async fn cleanup_stale(
        &mut self,
        adapter: &dyn Adapter,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        match self.cleaned_up(adapter, cx).await {
            Ok(removed) => run.report.recovered.extend(removed),
            Err(error) if error.kind() == RunErrorKind::Preflight => {
                run.warn(format!("cannot remove what a killed restore may have left behind: {error}"));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The same; a failure is an error.
    pub(super) async fn cleaned_up(
        &mut self,
        adapter: &dyn Adapter,
        cx: &RunContext,
    ) -> Result<Option<Recovered>, RunError> {
        let Some(step) = adapter.cleanup_stale() else { return Ok(None) };
        let cleanup = ProbeStep { step, finding: Some(REMOVED.to_owned()), limit: CLEANUP };
        let found = self.run_probes(vec![cleanup], adapter, cx).await?;
        let what = found.get(REMOVED).filter(|line| !line.is_empty());
        let done = "removed: left behind by a killed restore";
        Ok(what.map(|what| Recovered { what: what.to_owned(), done: done.to_owned() }))
    }

    /// Runs a step and returns the lines of its output.
    pub(super) async fn lines(
        &mut self,
        mut step: Step,
        limit: Duration,
        adapter: &dyn Adapter,
        cx: &RunContext,
    ) -> Result<Vec<String>, RunError> {
        self.shield([&mut step].into_iter(), cx);
        let job = Job::Lines(ProbeStep { step, finding: None, limit: limit.as_secs() });
        match self.answer(job, cx).await? {
            AgentMessage::Done(Done::Lines(lines)) => Ok(lines),
            AgentMessage::Failed(failure) => Err(error::of_agent(failure, adapter, RunErrorKind::Program)),
            _ => Err(protocol_violation()),
        }
    }

    async fn run_probes(
        &mut self,
        mut probes: Vec<ProbeStep>,
        adapter: &dyn Adapter,
        cx: &RunContext,
    ) -> Result<Findings, RunError> {
        self.shield(probes.iter_mut().map(|probe| &mut probe.step), cx);
        match self.answer(Job::Probe(probes), cx).await? {
            AgentMessage::Done(Done::Probed(found)) => Ok(found),
            AgentMessage::Failed(failure) => Err(error::of_agent(failure, adapter, RunErrorKind::Preflight)),
            _ => Err(protocol_violation()),
        }
    }

    /// Runs a job that moves no data, and returns its result.
    async fn answer(&mut self, job: Job, cx: &RunContext) -> Result<AgentMessage, RunError> {
        self.sender.send(&ToAgent::Job(Box::new(job)))?;
        tokio::select! {
            said = self.next(&cx.events, None) => return said,
            () = cx.cancel.cancelled() => {}
        }
        // What breaks from now on does so because of that, or does not matter any more.
        self.sender.send(&ToAgent::Cancel).map_err(|_| cancelled())?;
        self.next(&cx.events, None).await.map_err(|_| cancelled())
    }

    /// Learns the secrets of these steps, and keeps variables of this process that hold one away from programs that
    /// would inherit them.
    pub(super) fn shield<'a>(&self, steps: impl Iterator<Item = &'a mut Step>, cx: &RunContext) {
        let steps = steps.collect::<Vec<_>>();
        for secret in steps.iter().flat_map(|step| step.secrets()) {
            cx.scrubber.learn(secret);
        }
        if self.locality == Locality::Here && self.environment == Environment::Shielded {
            let secret = |name: &OsStr, value: &OsStr| {
                let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
                holds_credentials(&name, &value) || cx.scrubber.finds_in(&value)
            };
            let names = std::env::vars_os().filter(|(name, value)| secret(name, value));
            let names = names.filter_map(|(name, _)| name.into_string().ok()).collect::<Vec<_>>();
            for step in steps {
                step.unset.extend(names.iter().cloned());
            }
        }
    }

    /// Lets the agent go and waits until it has ended everything it did.
    pub(super) async fn quit(self) {
        let Self { sender, receiver, serving, .. } = self;
        let _ = sender.send(&ToAgent::Quit);
        let abort = serving.abort_handle();
        if timeout(GRACE, serving).await.is_err() {
            abort.abort();
        }
        drop(receiver);
    }
}

/// Variables that programs find credentials in by themselves: AWS's keys, and proxies with a password in their URL.
fn holds_credentials(name: &str, value: &str) -> bool {
    const KEYS: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    KEYS.contains(&name) || (name.to_ascii_uppercase().ends_with("_PROXY") && value.contains('@'))
}

/// The agent broke the protocol.
pub(super) fn protocol_violation() -> RunError {
    RunError::new(RunErrorKind::Agent, "the agent sent an unexpected answer")
}

//! An agent in the target, used in the same way as by the engine.

use bahub_agent::InProcess;
use bahub_core::agent::LocalAgent;
use bahub_core::link::{self, FromAgent, Incoming, Job, LinkReceiver, LinkSender, ToAgent};
use bahub_core::transport::{Exec, Locality, Process, PutFile, Session};
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;

use super::super::report::Checked;
use super::TransportOptions;

/// A running agent; dropping it ends the link.
pub(super) struct Agent {
    sender: LinkSender<ToAgent>,
    receiver: LinkReceiver<FromAgent>,
    _serving: JoinHandle<()>,
}

/// The result of a job.
pub(super) struct Answer {
    pub(super) end: FromAgent,
    pub(super) data: Vec<u8>,
}

impl Agent {
    pub(super) async fn start(session: &mut dyn Session, options: &TransportOptions) -> Checked<Self> {
        let ((sender, mut receiver), serving) = match session.locality() {
            Locality::Here => {
                let (ours, theirs) = link::pair();
                (ours, tokio::spawn(InProcess::default().serve(theirs)))
            }
            Locality::Remote => {
                let Process { stdin, stdout, mut stderr, exit } = placed(session, options).await?;
                let serving = tokio::spawn(async move {
                    let _ = stderr.read_to_end(&mut Vec::new()).await;
                    exit.await;
                });
                (link::connect(stdout, stdin), serving)
            }
        };
        match receiver.next().await {
            Ok(Incoming::Message(FromAgent::Hello(_))) => Ok(Self { sender, receiver, _serving: serving }),
            other => Err(format!("the agent did not say hello: {other:?}")),
        }
    }

    pub(super) fn send(&self, message: &ToAgent) -> Checked {
        self.sender.send(message).map_err(|error| error.to_string())
    }

    /// Sends a job; a capture need not wait for a quiet target.
    pub(super) fn begin(&self, job: Job) -> Checked {
        self.send(&ToAgent::Job(Box::new(job)))?;
        self.send(&ToAgent::Go)
    }

    /// Runs a job to its end.
    pub(super) async fn job(&mut self, job: Job) -> Checked<Answer> {
        self.begin(job)?;
        self.end().await
    }

    /// Waits for a job's end.
    pub(super) async fn end(&mut self) -> Checked<Answer> {
        let mut data = Vec::new();
        loop {
            match self.receiver.next().await.map_err(|error| error.to_string())? {
                Incoming::Data(bytes) => {
                    data.extend_from_slice(&bytes);
                    self.sender.credit(bytes.len());
                }
                Incoming::Message(end @ (FromAgent::Done(_) | FromAgent::Failed(_))) => {
                    return Ok(Answer { end, data });
                }
                Incoming::Message(_) => {}
            }
        }
    }
}

async fn placed(session: &mut dyn Session, options: &TransportOptions) -> Checked<Process> {
    let program = options.agent_program.as_ref().ok_or("options.agent_program names no agent to place there")?;
    let content = std::fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    let placed = session.put(PutFile { name: "backup-maker", content: &content, mode: 0o555 }).await;
    let placed = placed.map_err(|error| format!("the agent cannot be placed: {}", error.chain()))?;
    let started = session.exec(&Exec::new([placed.0.as_str(), "serve"])).await;
    started.map_err(|error| format!("the agent cannot be started: {}", error.chain()))
}

//! The agent's side of a link, from the first message to the last.

use std::process::ExitCode;

use bahub_core::link::{
    self, Failure, FailureKind, FromAgent, Hello, Incoming, Job, LinkEnd, LinkReceiver, LinkSender, PROTOCOL, ToAgent,
};
use bahub_core::secret::Scrubber;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::job::{self, JobContext, JobInput};
use crate::output::{Level, Output};
use crate::steps::KillSwitch;
use crate::stream::{Form, SourceEvent};
use crate::{AgentSinks, runtime};

/// Serves a link over two byte streams until the controller quits or is gone. When this returns every program is dead and every upload is
/// committed or aborted.
pub async fn serve(
    reader: impl AsyncRead + Unpin + Send + 'static,
    writer: impl AsyncWrite + Unpin + Send + 'static,
    sinks: AgentSinks,
) {
    serve_link(link::connect(reader, writer), sinks, Form::Layered).await;
}

/// Serves a link over this process's own stdin and stdout, with the sinks of this build: what `backup-maker serve` does. A
/// build without the feature `repository` has none, so the controller uploads for it.
pub fn serve_stdio() -> ExitCode {
    let output = Output::new(Level::Info, Scrubber::default());
    let runtime = match runtime::start(&output) {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("cannot start: {error}"), None);
            return ExitCode::FAILURE;
        }
    };
    let sinks = AgentSinks::of_this_build();
    runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), sinks));
    // A thread that still waits for stdin must not delay the end.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

pub(crate) async fn serve_link((sender, mut receiver): LinkEnd<FromAgent, ToAgent>, sinks: AgentSinks, form: Form) {
    let hello = Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), sinks: sinks.kinds() };
    if sender.send(&FromAgent::Hello(hello)).is_err() {
        return;
    }
    loop {
        let next = match receiver.next().await {
            Ok(Incoming::Message(ToAgent::Job(job))) => {
                one_job(*job, &sender, &mut receiver, sinks.clone(), form).await
            }
            // What still arrives for a job that ended is of no use.
            Ok(Incoming::Data(bytes)) => {
                sender.credit(bytes.len());
                Next::Job
            }
            Ok(Incoming::Message(ToAgent::Quit)) | Err(_) => Next::End,
            Ok(Incoming::Message(_)) => Next::Job,
        };
        if let Next::End = next {
            return;
        }
    }
}

enum Next {
    Job,
    End,
}

/// Runs one job, and passes on to it what arrives meanwhile.
async fn one_job(
    job: Job,
    sender: &LinkSender<FromAgent>,
    receiver: &mut LinkReceiver<ToAgent>,
    sinks: AgentSinks,
    form: Form,
) -> Next {
    let cancel = CancellationToken::new();
    let (mut inbox, input) = Inbox::new();
    let cx = JobContext {
        sender: sender.clone(),
        cancel: cancel.clone(),
        switch: KillSwitch::default(),
        sinks,
        form,
        counters: Default::default(),
    };
    let mut running = tokio::spawn(job::run(job, cx, input));
    let mut next = Next::Job;
    let ended = loop {
        let incoming = tokio::select! {
            ended = &mut running => break ended,
            incoming = receiver.next(), if matches!(next, Next::Job) => incoming,
        };
        match incoming {
            Ok(Incoming::Data(bytes)) => inbox.data(bytes, sender),
            Ok(Incoming::Message(ToAgent::Cancel)) => cancel.cancel(),
            Ok(Incoming::Message(ToAgent::Quit)) | Err(_) => {
                cancel.cancel();
                next = Next::End;
            }
            Ok(Incoming::Message(message)) => inbox.message(message),
        }
    };
    let answer = match ended {
        Ok(Ok(done)) => FromAgent::Done(Box::new(done)),
        Ok(Err(failure)) => FromAgent::Failed(Box::new(form.reported(failure))),
        Err(error) => {
            let message = format!("the agent failed unexpectedly: {error}");
            FromAgent::Failed(Box::new(Failure::new(FailureKind::System, message)))
        }
    };
    // A controller that is gone gets no report.
    let _ = sender.send(&answer);
    next
}

/// The agent's end of [`JobInput`].
struct Inbox {
    grant: Option<oneshot::Sender<bahub_core::secret::Secret>>,
    go: Option<oneshot::Sender<()>>,
    commit: Option<oneshot::Sender<()>>,
    session_key: Option<oneshot::Sender<bahub_core::keys::SessionKey>>,
    data: mpsc::UnboundedSender<SourceEvent>,
}

impl Inbox {
    fn new() -> (Self, JobInput) {
        let (grant, grant_input) = oneshot::channel();
        let (go, go_input) = oneshot::channel();
        let (commit, commit_input) = oneshot::channel();
        let (session_key, key_input) = oneshot::channel();
        let (data, data_input) = mpsc::unbounded_channel();
        let inbox =
            Self { grant: Some(grant), go: Some(go), commit: Some(commit), session_key: Some(session_key), data };
        (
            inbox,
            JobInput {
                grant: grant_input,
                go: go_input,
                commit: commit_input,
                session_key: key_input,
                data: data_input,
            },
        )
    }

    fn message(&mut self, message: ToAgent) {
        match message {
            ToAgent::Grant(grant) => drop(self.grant.take().map(|sender| sender.send(grant))),
            ToAgent::Go => drop(self.go.take().map(|sender| sender.send(()))),
            ToAgent::Commit => drop(self.commit.take().map(|sender| sender.send(()))),
            ToAgent::SessionKey(key) => drop(self.session_key.take().map(|sender| sender.send(key))),
            ToAgent::DataEnd => drop(self.data.send(SourceEvent::End)),
            ToAgent::Job(_) | ToAgent::Cancel | ToAgent::Quit => {}
        }
    }

    /// The room that the link grants bounds what waits here.
    fn data(&self, bytes: Bytes, sender: &LinkSender<FromAgent>) {
        let size = bytes.len();
        if self.data.send(SourceEvent::Chunk(bytes)).is_err() {
            sender.credit(size);
        }
    }
}

//! What a job works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bahub_core::keys::SessionKey;
use bahub_core::link::{Failure, FailureKind, FromAgent, LinkSender};
use bahub_core::secret::Secret;
use bahub_core::sink::SinkError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::AgentSinks;
use crate::steps::{KillSwitch, LogLine};
use crate::stream::{Form, SourceEvent};

/// How often progress is reported.
const TICK: Duration = Duration::from_millis(200);

/// What a job works with.
#[derive(Clone)]
pub(crate) struct JobContext {
    pub(crate) sender: LinkSender<FromAgent>,
    pub(crate) cancel: CancellationToken,
    pub(crate) switch: KillSwitch,
    pub(crate) sinks: AgentSinks,
    pub(crate) form: Form,
    pub(crate) counters: Counters,
}

/// What the controller sends while a job runs.
pub(crate) struct JobInput {
    pub(crate) grant: oneshot::Receiver<Secret>,
    pub(crate) go: oneshot::Receiver<()>,
    pub(crate) commit: oneshot::Receiver<()>,
    pub(crate) session_key: oneshot::Receiver<SessionKey>,
    pub(crate) data: mpsc::UnboundedReceiver<SourceEvent>,
}

/// Bytes moved so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) plain: Arc<AtomicU64>,
    pub(crate) stored: Arc<AtomicU64>,
}

impl Counters {
    pub(crate) fn plain(&self) -> u64 {
        self.plain.load(Ordering::Relaxed)
    }

    pub(crate) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }
}

impl JobContext {
    /// A function that passes lines of programs on to the controller.
    pub(crate) fn log(&self) -> LogLine {
        let sender = self.sender.clone();
        Arc::new(move |source, line| {
            // A link that is gone is noticed where messages are received.
            let _ = sender.send(&FromAgent::Log { source: source.to_owned(), line: line.to_owned() });
        })
    }

    /// Sends a message that the controller waits for.
    ///
    /// # Errors
    /// Where the link is gone.
    pub(crate) fn send(&self, message: &FromAgent) -> Result<(), Failure> {
        self.sender.send(message).map_err(|error| Failure::new(FailureKind::Cancelled, error.to_string()))
    }

    /// Waits for the answer of the controller before the job goes on.
    ///
    /// # Errors
    /// Where the run is cancelled or the controller gone.
    pub(crate) async fn answered(&self, answer: oneshot::Receiver<()>) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::cancelled()),
            answer = answer => answer.map_err(|_| Failure::cancelled()),
        }
    }

    /// Asks a store for something that may be dropped at any point; a cancellation ends it at once.
    ///
    /// # Errors
    /// The store's error, or that the run is cancelled.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        asked: impl Future<Output = Result<T, SinkError>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::cancelled()),
            answer = asked => Ok(answer?),
        }
    }

    /// Reports progress while `work` runs.
    pub(crate) async fn with_progress<T>(&self, work: impl Future<Output = T>) -> T {
        let mut tick = tokio::time::interval(TICK);
        tokio::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                _ = tick.tick() => self.report_progress(),
            }
        }
    }

    /// Reports progress now.
    pub(crate) fn report_progress(&self) {
        let progress = FromAgent::Progress { plain: self.counters.plain(), stored: self.counters.stored() };
        let _ = self.sender.send(&progress);
    }
}

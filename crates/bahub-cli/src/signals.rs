//! Ctrl-C and SIGTERM: the first cancels and cleans up, the second is abrupt but still undoes.

use bahub_core::engine::Ended;
use bahub_core::run::RunContext;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How a run that signals may end came out.
pub(crate) enum Outcome {
    /// By itself, or after it was cancelled.
    Ended(Box<Ended>),
    /// A second signal: given up at once; what had to be undone was, but for these.
    Abrupt {
        /// A sentence for each thing that could not be brought back.
        not_undone: Vec<String>,
    },
}

/// Runs the work; the first signal cancels it, the second drops it and undoes what has to be undone.
pub(crate) async fn guard(cx: &RunContext, work: impl Future<Output = Ended>) -> std::io::Result<Outcome> {
    let mut signals = Signals::new()?;
    tokio::pin!(work);
    tokio::select! {
        ended = &mut work => return Ok(Outcome::Ended(Box::new(ended))),
        () = signals.next() => {
            eprintln!("stopping: what was begun is ended and brought back; once more stops at once");
            cx.cancel.cancel();
        }
    }
    tokio::select! {
        ended = work => Ok(Outcome::Ended(Box::new(ended))),
        () = signals.next() => {
            eprintln!("stopping at once: what was stopped is brought back");
            Ok(Outcome::Abrupt { not_undone: cx.undo.unwind().await })
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

//! Ctrl-C and SIGTERM: the first cancels and cleans up, the second is abrupt but still undoes.

use std::task::Poll;

use bahub_core::engine::RunOutcome;
use bahub_core::run::{Committed, RunContext};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How a run that signals may end came out.
pub(crate) enum Outcome {
    /// By itself, or after it was cancelled.
    RunOutcome(Box<RunOutcome>),
    /// A second signal: given up at once; what had to be undone was, but for these.
    Abrupt {
        /// A sentence for each thing that could not be brought back.
        not_undone: Vec<String>,
        /// Whether there is a version all the same.
        committed: Committed,
    },
}

/// Runs the work; the first signal cancels it, the second drops it and undoes what has to be undone.
pub(crate) async fn guard(cx: &RunContext, work: impl Future<Output = RunOutcome>) -> std::io::Result<Outcome> {
    let mut signals = Signals::new()?;
    let mut work = Box::pin(work);
    tokio::select! {
        ended = &mut work => return Ok(Outcome::Ended(Box::new(ended))),
        () = signals.next() => {
            eprintln!("stopping: what was begun is ended and brought back; once more stops at once");
            cx.cancel.cancel();
        }
    }
    tokio::select! {
        ended = &mut work => Ok(Outcome::Ended(Box::new(ended))),
        () = signals.next() => {
            eprintln!("stopping at once: what was stopped is brought back");
            let committed = cx.commitment.state();
            // It may hold the undoing, which is taken up where it was.
            drop(work);
            Ok(Outcome::Abrupt { not_undone: cx.undo.unwind().await, committed })
        }
    }
}

/// The signals that end a run. One that was ignored when this program was started, by nohup or for a job in the
/// background, stays ignored.
struct Signals {
    listened: Vec<Signal>,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let ignored = ignored();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].into_iter();
        let wanted = kinds.filter(|kind| ignored & (1 << (kind.as_raw_value() - 1)) == 0);
        Ok(Self { listened: wanted.map(signal).collect::<Result<_, _>>()? })
    }

    async fn next(&mut self) {
        let any = std::future::poll_fn(|cx| {
            let arrived = self.listened.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if arrived { Poll::Ready(()) } else { Poll::Pending }
        });
        any.await;
    }
}

/// A bit for each signal that this process ignores (proc(5), `SigIgn`); none where that cannot be read.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

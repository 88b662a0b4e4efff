//! Ctrl-C and SIGTERM: the first cancels and cleans up, the second is abrupt but still undoes.

use std::task::Poll;

use bahub_core::engine::{RunControl, RunOutcome};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs the work; the first signal cancels it, the second ends it at once.
pub(crate) async fn guard(control: &RunControl, work: impl Future<Output = RunOutcome>) -> std::io::Result<RunOutcome> {
    let mut signals = Signals::new()?;
    let mut work = Box::pin(work);
    tokio::select! {
        ended = &mut work => return Ok(ended),
        () = signals.next() => control.cancel(),
    }
    tokio::select! {
        ended = &mut work => return Ok(ended),
        () = signals.next() => control.abort(),
    }
    Ok(work.await)
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

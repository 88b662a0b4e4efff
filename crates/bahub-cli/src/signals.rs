//! Ctrl-C, SIGTERM and SIGHUP: the first cancels and cleans up, the second is abrupt but still undoes.

use std::io;
use std::task::Poll;
use std::time::Duration;

use bahub_core::engine::RunControl;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::terminal::Terminal;

/// A signal so soon after the first is the same wish: `timeout` sends two, a terminal that closes sends SIGHUP twice.
const SAME: Duration = Duration::from_secs(1);

/// Runs the work; the first signal cancels it, the second ends it at once. What was changed is brought back both times.
pub(crate) async fn guard<T>(
    control: &RunControl,
    terminal: &Terminal,
    work: impl Future<Output = T>,
) -> io::Result<T> {
    let mut signals = Signals::new()?;
    let mut work = Box::pin(work);
    tokio::select! {
        outcome = &mut work => return Ok(outcome),
        () = signals.next() => control.cancel(),
    }
    // A terminal that is paused, or gone, must delay nothing.
    let terminal = terminal.for_logs();
    terminal.say("stopping: undoing what the run changed; press Ctrl-C again to stop at once");
    tokio::select! {
        outcome = &mut work => return Ok(outcome),
        () = signals.next_after(SAME) => control.abort(),
    }
    terminal.say("stopping at once: only undoing what the run changed");
    Ok(work.await)
}

/// Waits for an answer; none where a signal came first.
pub(crate) async fn unless_signalled<T>(answer: impl Future<Output = io::Result<T>>) -> io::Result<Option<T>> {
    let mut signals = Signals::new()?;
    tokio::select! {
        answer = answer => answer.map(Some),
        () = signals.next() => Ok(None),
    }
}

/// Waits for the signals that end a program, and for the one by which a service reads its configuration again.
pub(crate) struct ServiceSignals {
    end: Signals,
    reload: Signal,
}

/// What a service is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceSignal {
    /// To end.
    End,
    /// To read its configuration again.
    Reload,
}

impl ServiceSignals {
    pub(crate) fn new() -> io::Result<Self> {
        let end = Signals::of(&[SignalKind::interrupt(), SignalKind::terminate()])?;
        Ok(Self { end, reload: signal(SignalKind::hangup())? })
    }

    pub(crate) async fn next(&mut self) -> ServiceSignal {
        tokio::select! {
            () = self.end.next() => ServiceSignal::End,
            _ = self.reload.recv() => ServiceSignal::Reload,
        }
    }
}

/// The signals that end a run. One that was ignored when this program was started, by nohup or for a job in the
/// background, stays ignored.
struct Signals {
    listened: Vec<Signal>,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Self::of(&[SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])
    }

    fn of(kinds: &[SignalKind]) -> io::Result<Self> {
        let ignored = ignored();
        let wanted = kinds.iter().copied().filter(|kind| ignored & (1 << (kind.as_raw_value() - 1)) == 0);
        Ok(Self { listened: wanted.map(signal).collect::<Result<_, _>>()? })
    }

    /// The next one after this time; those before it do not count.
    async fn next_after(&mut self, time: Duration) {
        let passed = tokio::time::sleep(time);
        tokio::pin!(passed);
        loop {
            tokio::select! {
                biased;
                () = self.next() => {}
                () = &mut passed => break,
            }
        }
        self.next().await;
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

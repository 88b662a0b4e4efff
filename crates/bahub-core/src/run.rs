//! What everything that takes part in one run shares: its id, its cancellation, its events, its undo stack.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
pub use tokio_util::sync::CancellationToken;

use crate::event::{Event, Events};
use crate::hex;
use crate::instance::Identity;
use crate::secret::Scrubber;
use crate::sink::VersionNumber;

/// What one run shares with the components that take part in it.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The run's id: 32 hexadecimal digits, never used twice.
    pub id: String,
    /// The backup's name in the configuration.
    pub backup: String,
    /// What the target is opened for.
    pub purpose: RunPurpose,
    /// The absolute paths that are read or written, as
    /// [`Adapter::required_paths`](crate::adapter::Adapter::required_paths) names them.
    pub required_paths: Vec<String>,
    /// The instance that the version of a restore is of: where a transport finds several, that one is meant.
    pub version_of: Option<Identity>,
    /// Ends the run; everything stops and cleans up.
    pub cancel: CancellationToken,
    /// Where events go.
    pub events: Events,
    /// Replaces secrets in text for people.
    pub scrubber: Scrubber,
    /// What has to be undone at the end, whatever happens.
    pub undo: UndoStack,
    /// Whether there is a version, for a caller that must end without waiting for the run's own end.
    pub commitment: Commitment,
    /// How long the workload is down; the transport that stops it says when.
    pub downtime: Downtime,
    /// Problems that do not stop the run, for its report.
    pub warnings: Warnings,
    /// What became of the hooks, for its report.
    #[cfg(feature = "hooks")]
    pub hooks: crate::hook::HookLog,
}

/// How long a workload is down for a run: from the first request to stop it until it was started again.
#[derive(Debug, Clone, Default)]
pub struct Downtime(Arc<Mutex<Outage>>);

#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    total: Option<Duration>,
}

impl Downtime {
    /// The workload is being stopped now. Only the first call until [`end`](Self::end) counts.
    pub fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since.get_or_insert_with(Instant::now);
    }

    /// The workload was started again.
    pub fn end(&self) {
        let mut outage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = outage.since.take() {
            outage.total = Some(outage.total.unwrap_or_default() + since.elapsed());
        }
    }

    /// How long it was down so far; none where nothing was stopped.
    pub fn total(&self) -> Option<Duration> {
        let outage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = outage.since.map(|since| since.elapsed());
        match (outage.total, now) {
            (None, now) => now,
            (Some(total), now) => Some(total + now.unwrap_or_default()),
        }
    }
}

/// Warnings that wait for the report, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

/// How far the commit of a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Committed {
    /// There is no version of this run.
    #[default]
    No,
    /// A commit was begun and has not been answered: there may be a version.
    Unknown,
    /// This is the version.
    Version(VersionNumber),
}

/// Shared by what commits and what may have to end at once.
#[derive(Debug, Clone, Default)]
pub struct Commitment(Arc<Mutex<Committed>>);

impl Commitment {
    /// How far the commit is now.
    pub fn state(&self) -> Committed {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "engine")]
    pub(crate) fn begin(&self) {
        self.set(Committed::Unknown);
    }

    #[cfg(feature = "engine")]
    pub(crate) fn refused(&self) {
        self.set(Committed::No);
    }

    #[cfg(feature = "engine")]
    pub(crate) fn made(&self, version: VersionNumber) {
        self.set(Committed::Version(version));
    }

    #[cfg(feature = "engine")]
    fn set(&self, state: Committed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// What a target is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPurpose {
    /// Data is read.
    Backup,
    /// Data is written.
    Restore,
    /// What dead runs left is mended.
    Recover,
}

impl RunContext {
    /// A context of a new run, whose events go to `events`.
    ///
    /// # Errors
    /// If the system's random source fails.
    pub fn new(backup: impl Into<String>, purpose: RunPurpose, events: Events) -> std::io::Result<Self> {
        Ok(Self {
            id: random_hex(16)?,
            backup: backup.into(),
            purpose,
            required_paths: Vec::new(),
            version_of: None,
            cancel: CancellationToken::new(),
            scrubber: events.scrubber().clone(),
            events,
            undo: UndoStack::default(),
            commitment: Commitment::default(),
            downtime: Downtime::default(),
            warnings: Warnings::default(),
            #[cfg(feature = "hooks")]
            hooks: crate::hook::HookLog::default(),
        })
    }

    /// Adds a warning to the report, which does not stop the run; secrets are replaced.
    pub fn warn(&self, message: impl AsRef<str>) {
        let message = self.scrubber.scrub(message.as_ref());
        self.events.emit(Event::Warning { message: message.clone() });
        self.warnings.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }

    /// Takes the warnings so far, oldest first.
    #[cfg(feature = "engine")]
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `bytes` random bytes from the kernel as hexadecimal digits: for unguessable, unused names.
///
/// # Errors
/// If the system's random source fails.
pub fn random_hex(bytes: usize) -> std::io::Result<String> {
    let mut random = vec![0_u8; bytes];
    let mut filled = 0;
    while filled < bytes {
        filled += rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(hex::encode(&random))
}

type UndoFuture = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// One thing to undo.
struct Undo {
    what: String,
    work: UndoFuture,
}

/// What has to be brought back, last first. Register before doing: [`UndoStack::defer`], then change.
#[derive(Clone, Default)]
pub struct UndoStack {
    entries: Arc<Mutex<Vec<Undo>>>,
    unwinding: Arc<tokio::sync::Mutex<Unwinding>>,
}

/// What an unwinding that was dropped half-way leaves to the next one.
#[derive(Default)]
struct Unwinding {
    current: Option<Undo>,
    failures: Vec<String>,
}

impl Debug for UndoStack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(entries.iter().map(|undo| &undo.what)).finish()
    }
}

impl UndoStack {
    /// How long one undo may take.
    pub const LIMIT: Duration = Duration::from_secs(600);

    /// Remembers work that brings `what` back. It must do no harm if the change was never made.
    pub fn defer(&self, what: impl Into<String>, work: impl Future<Output = Result<(), String>> + Send + 'static) {
        let undo = Undo { what: what.into(), work: Box::pin(work) };
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(undo);
    }

    /// Undoes everything, last first; a failure does not stop the rest. Returns a sentence for each failure.
    ///
    /// Dropped half-way it loses nothing: the next call goes on where it was.
    pub async fn unwind(&self) -> Vec<String> {
        let mut state = self.unwinding.lock().await;
        let Unwinding { current, failures } = &mut *state;
        loop {
            if current.is_none() {
                *current = self.entries.lock().unwrap_or_else(PoisonError::into_inner).pop();
            }
            let Some(undo) = current.as_mut() else { return std::mem::take(failures) };
            let work = AssertUnwindSafe(&mut undo.work).catch_unwind();
            match tokio::time::timeout(Self::LIMIT, work).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Err(_)) => failures.push(format!("could not {}: bahub failed because of a bug", undo.what)),
                Ok(Ok(Err(reason))) => failures.push(format!("could not {}: {reason}", undo.what)),
                Err(_) => {
                    failures.push(format!("could not {}: not finished within {} s", undo.what, Self::LIMIT.as_secs()))
                }
            }
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn undo_runs_last_first_and_a_failure_does_not_stop_the_rest() {
        let undo = UndoStack::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for (name, result) in [("a", Ok(())), ("b", Err("refused".to_owned())), ("c", Ok(()))] {
            let order = Arc::clone(&order);
            undo.defer(format!("undo {name}"), async move {
                order.lock().unwrap().push(name);
                result
            });
        }
        assert_eq!(undo.unwind().await, ["could not undo b: refused"]);
        assert_eq!(*order.lock().unwrap(), ["c", "b", "a"]);
        assert!(undo.unwind().await.is_empty());
    }

    #[tokio::test]
    async fn a_panic_stops_no_other_undo() {
        let undo = UndoStack::default();
        let done = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&done);
        undo.defer("start db", async move {
            *flag.lock().unwrap() = true;
            Ok(())
        });
        undo.defer("start web", async { panic!("on purpose") });
        let failures = undo.unwind().await;
        assert!(failures.len() == 1 && failures[0].contains("start web"), "{failures:?}");
        assert!(*done.lock().unwrap());
    }

    #[tokio::test]
    async fn an_unwinding_that_is_dropped_half_way_is_taken_up_by_the_next() {
        let undo = UndoStack::default();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (begun, mut beginning) = tokio::sync::mpsc::channel(1);
        undo.defer("start db", async move {
            begun.send(()).await.map_err(|error| error.to_string())?;
            gone.await.map_err(|_| "the signal was lost".to_owned())?;
            Err("it does not start".to_owned())
        });
        tokio::select! {
            failures = undo.unwind() => panic!("it ended: {failures:?}"),
            begun = beginning.recv() => assert!(begun.is_some()),
        }
        go.send(()).unwrap();
        assert_eq!(undo.unwind().await, ["could not start db: it does not start"]);
    }
}

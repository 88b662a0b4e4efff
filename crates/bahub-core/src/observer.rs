//! Observers of runs: a terminal, a log, a notifier, a history, metrics.
//!
//! Observers consume. Each has a bounded queue and a thread of its own; a run never waits for one, and none can change how a
//! run ends. A slow one misses events ([`Event::Missed`] says how many), never the end of a run.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use crate::advice::Advice;
use crate::event::{Event, Operation};
use crate::exit::ExitCode;
use crate::report::Report;

/// How many events may wait for one observer.
const QUEUE: usize = 1024;

/// Watches runs. Called on a thread of its own, one call at a time, in the order in which things happened; may block.
///
/// ```
/// use bahub_core::event::Event;
/// use bahub_core::observer::{Observer, Observers, RunInfo, RunRecord};
///
/// struct Failures;
///
/// impl Observer for Failures {
///     fn event(&mut self, _run: &RunInfo, _event: &Event) {}
///
///     fn finished(&mut self, record: &RunRecord) {
///         if let Some(error) = &record.error {
///             eprintln!("{} of {} failed: {}", record.report.operation, record.report.backup, error.message);
///         }
///     }
/// }
///
/// let observers = Observers::default().with(Failures);
/// # let _ = observers;
/// ```
pub trait Observer: Send + 'static {
    /// Something happened in a run.
    fn event(&mut self, run: &RunInfo, event: &Event);

    /// A run ended, and everything that it had changed was brought back or is named in the record. Never missed.
    fn finished(&mut self, _record: &RunRecord) {}

    /// Something was asked for and no run of it was begun, for example because of the configuration. Never missed.
    #[cfg(feature = "config")]
    fn not_started(&mut self, _record: &RunRecord) {}
}

/// Which run an event is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// The run's id.
    pub run: String,
    /// The backup's name.
    pub backup: String,
    /// What is done.
    pub operation: Operation,
}

impl RunInfo {
    /// A run of this backup.
    pub fn new(run: impl Into<String>, backup: impl Into<String>, operation: Operation) -> Self {
        Self { run: run.into(), backup: backup.into(), operation }
    }
}

/// A finished run, to keep or to send. Secrets are replaced.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// The exit code of a program that did this run alone, warnings taken for success.
    pub exit_code: u8,
    /// The name of that code, for example `integrity`.
    pub exit: &'static str,
    /// What the run did.
    pub report: Report,
    /// Why it failed.
    pub error: Option<ErrorRecord>,
    /// What could not be brought back, a sentence each.
    pub not_undone: Vec<String>,
    /// When it ended, by this host's clock.
    pub ended: Timestamp,
}

impl RunRecord {
    /// A record of these parts, of now.
    pub fn new(exit: ExitCode, report: Report, error: Option<ErrorRecord>, not_undone: Vec<String>) -> Self {
        Self { exit_code: exit.code(), exit: exit.name(), report, error, not_undone, ended: Timestamp::now() }
    }
}

/// An error as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorRecord {
    /// What failed, on what, with its causes.
    pub message: String,
    /// What to do.
    pub help: Option<Advice>,
}

impl ErrorRecord {
    /// An error with these words.
    pub fn new(message: impl Into<String>, help: Option<Advice>) -> Self {
        Self { message: message.into(), help }
    }
}

/// All observers of an engine; cheap to clone.
#[derive(Clone, Default)]
pub struct Observers {
    queues: Vec<Arc<Handle>>,
}

/// Everyone who may add to a queue; its observer's thread ends with the last of them, when it has consumed what is there.
struct Handle(Arc<Queue>);

impl std::ops::Deref for Handle {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").field("count", &self.queues.len()).finish()
    }
}

impl Observers {
    /// Adds an observer and starts its thread. One whose thread cannot be started misses everything.
    #[must_use]
    pub fn with(mut self, observer: impl Observer) -> Self {
        let queue = Arc::new(Queue::default());
        let started = thread::Builder::new().name("bahub-observer".into()).spawn({
            let queue = Arc::clone(&queue);
            move || consume(&queue, observer)
        });
        if started.is_ok() {
            self.queues.push(Arc::new(Handle(queue)));
        }
        self
    }

    /// Hands an event to every observer; never waits.
    pub fn emit(&self, run: &Arc<RunInfo>, event: &Event) {
        self.queues.iter().for_each(|queue| queue.push(Item::Event(Arc::clone(run), event.clone())));
    }

    /// Hands the end of a run to every observer; never waits.
    pub fn finished(&self, record: &Arc<RunRecord>) {
        self.queues.iter().for_each(|queue| queue.push(Item::Finished(Arc::clone(record))));
    }

    /// Hands what was not begun to every observer; never waits.
    #[cfg(feature = "config")]
    pub fn not_started(&self, record: &Arc<RunRecord>) {
        self.queues.iter().for_each(|queue| queue.push(Item::NotStarted(Arc::clone(record))));
    }

    /// Waits until every observer has consumed what it was handed, as long as each goes on consuming: one that is busy with the
    /// same thing for `patience` is given up. For the end of a program.
    pub fn drain(&self, patience: Duration) {
        self.queues.iter().for_each(|queue| queue.drain(patience));
    }
}

enum Item {
    Event(Arc<RunInfo>, Event),
    Finished(Arc<RunRecord>),
    #[cfg(feature = "config")]
    NotStarted(Arc<RunRecord>),
}

/// What waits for one observer.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// Events that were left out since the last one that was taken, and their run.
    missed: Option<(Arc<RunInfo>, u64)>,
    /// How many items were dealt with.
    consumed: u64,
    is_busy: bool,
    is_gone: bool,
    /// Nobody can add anything any more.
    is_closed: bool,
}

impl State {
    /// Puts what was left out where it would have been.
    fn say_missed(&mut self) {
        if let Some((run, count)) = self.missed.take() {
            self.items.push_back(Item::Event(run, Event::Missed { count }));
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: Item) {
        let mut state = self.lock();
        if state.is_gone {
            return;
        }
        match item {
            // Only where the work is now matters.
            Item::Event(run, Event::Progress { plain, stored, of }) if matches!(state.items.back(), Some(Item::Event(last, Event::Progress { .. })) if last.run == run.run) =>
            {
                state.items.pop_back();
                state.items.push_back(Item::Event(run, Event::Progress { plain, stored, of }));
            }
            // A warning is worth its room.
            Item::Event(run, event) if state.items.len() >= QUEUE && !matches!(event, Event::Warning { .. }) => {
                let missed = state.missed.as_ref().map_or(0, |(_, missed)| *missed);
                state.missed = Some((run, missed + 1));
            }
            item => {
                state.say_missed();
                state.items.push_back(item);
            }
        }
        self.changed.notify_all();
    }

    fn drain(&self, patience: Duration) {
        let mut state = self.lock();
        let (mut consumed, mut since) = (state.consumed, Instant::now());
        while (state.is_busy || !state.items.is_empty()) && !state.is_gone {
            if state.consumed != consumed {
                (consumed, since) = (state.consumed, Instant::now());
            }
            let Some(left) = patience.checked_sub(since.elapsed()) else { return };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Hands the queue's items to the observer for as long as there may be more. One that panics is not called again.
fn consume(queue: &Queue, mut observer: impl Observer) {
    loop {
        let mut state = queue.lock();
        while state.items.is_empty() {
            if state.is_closed {
                return;
            }
            state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let item = state.items.pop_front();
        // Not at once: with one place free it would take that, and every event after it would be missed too.
        if state.items.len() < QUEUE / 2 {
            state.say_missed();
        }
        state.is_busy = true;
        drop(state);
        let consumed = catch_unwind(AssertUnwindSafe(|| match item {
            Some(Item::Event(run, event)) => observer.event(&run, &event),
            Some(Item::Finished(record)) => observer.finished(&record),
            #[cfg(feature = "config")]
            Some(Item::NotStarted(record)) => observer.not_started(&record),
            None => {}
        }));
        let mut state = queue.lock();
        state.is_busy = false;
        state.consumed += 1;
        state.is_gone = consumed.is_err();
        queue.changed.notify_all();
        if consumed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Slow {
        gate: mpsc::Receiver<()>,
        seen: mpsc::Sender<String>,
    }

    impl Observer for Slow {
        fn event(&mut self, _run: &RunInfo, event: &Event) {
            let _ = self.gate.recv();
            let _ = self.seen.send(format!("{event:?}"));
        }

        fn finished(&mut self, record: &RunRecord) {
            let _ = self.seen.send(format!("finished {}", record.report.backup));
        }
    }

    fn slow() -> (Observers, Arc<RunInfo>, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let ((open, gate), (seen, events)) = (mpsc::channel(), mpsc::channel());
        let run = Arc::new(RunInfo::new("1", "web", Operation::Backup));
        (Observers::default().with(Slow { gate, seen }), run, open, events)
    }

    fn notice(number: usize) -> Event {
        Event::Notice { message: number.to_string() }
    }

    fn end() -> Arc<RunRecord> {
        let report = Report { backup: "web".into(), ..Report::default() };
        Arc::new(RunRecord::new(ExitCode::Ok, report, None, Vec::new()))
    }

    #[test]
    fn one_that_blocks_delays_nothing_misses_events_and_gets_their_number_and_the_end() {
        let (observers, run, open, events) = slow();
        let all = QUEUE + 100;
        (0..all).for_each(|number| observers.emit(&run, &notice(number)));
        observers.finished(&end());
        drop(open);
        observers.drain(Duration::from_secs(60));
        let seen: Vec<_> = events.try_iter().collect();
        let missed: u64 = seen
            .iter()
            .filter_map(|line| line.strip_prefix("Missed { count: ")?.strip_suffix(" }")?.parse::<u64>().ok())
            .sum();
        let notices = seen.iter().filter(|line| line.starts_with("Notice")).count();
        assert_eq!(notices + missed as usize, all);
        assert!(missed >= 99, "{missed}");
        assert_eq!(seen.last().unwrap(), "finished web");
    }

    #[test]
    fn only_the_newest_progress_waits() {
        let (observers, run, open, events) = slow();
        observers.emit(&run, &notice(0));
        for plain in 0..10 * QUEUE as u64 {
            observers.emit(&run, &Event::Progress { plain, stored: 0, of: None });
        }
        drop(open);
        observers.drain(Duration::from_secs(60));
        let seen: Vec<_> = events.try_iter().collect();
        assert!(seen.len() <= 3 && seen.last().unwrap().contains("plain: 10239"), "{seen:?}");
    }

    #[test]
    fn one_that_panics_is_left_alone_and_one_that_hangs_is_given_up() {
        struct Panics;
        impl Observer for Panics {
            fn event(&mut self, _run: &RunInfo, _event: &Event) {
                panic!("on purpose");
            }
        }
        let (observers, run, open, _events) = slow();
        let observers = observers.with(Panics);
        (0..3).for_each(|number| observers.emit(&run, &notice(number)));
        observers.drain(Duration::from_millis(50));
        drop(open);
        observers.drain(Duration::from_secs(60));
    }
}

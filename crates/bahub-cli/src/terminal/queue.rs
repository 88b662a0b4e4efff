//! What waits for the thread that writes.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::status::Status;

/// How many items may wait.
const CAPACITY: usize = 1024;

/// How often a status is redrawn.
const TICK: Duration = Duration::from_millis(250);

/// Something to write.
pub(super) enum Item {
    /// Text for standard error.
    Stderr(String),
    /// Text for standard output.
    Stdout(String),
    /// The same, and whether it was written.
    Product(String, Sender<io::Result<()>>),
    /// A question; nothing else is written until it is over.
    Question(Arc<Question>),
}

/// A question that is being asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) text: String,
    pub(super) is_over: AtomicBool,
    /// Whether the cursor is still behind the question at its end: what was typed was not shown, or nothing was.
    pub(super) is_line_open: AtomicBool,
}

/// What the thread does next.
pub(super) enum Next {
    Write(Item),
    /// Draw the status, or remove it.
    Draw(Option<Status>),
}

/// How long a caller waits for room.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    /// Not at all: what finds no room is counted and left out.
    Never,
    /// As long as something is written within this time.
    Patiently(Duration),
    /// As long as it takes.
    Forever,
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    items: VecDeque<Item>,
    status: Option<Status>,
    is_status_new: bool,
    left_out: u64,
    is_busy: bool,
    is_gone: bool,
    /// When something was last written, or an idle thread got something to do.
    progressed: Instant,
}

impl State {
    fn is_idle(&self) -> bool {
        self.items.is_empty() && !self.is_busy && !self.is_status_new
    }

    /// Time in which there was nothing to write does not count as time without progress.
    fn wake(&mut self) {
        if self.is_idle() {
            self.progressed = Instant::now();
        }
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State {
            items: VecDeque::new(),
            status: None,
            is_status_new: false,
            left_out: 0,
            is_busy: false,
            is_gone: false,
            progressed: Instant::now(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is written any more, because there is no thread for it.
    pub(super) fn give_up(&self) {
        self.lock().is_gone = true;
    }

    pub(super) fn push(&self, item: Item, wait: Wait) {
        let mut state = self.lock();
        while state.items.len() >= CAPACITY && !state.is_gone {
            state = match wait {
                Wait::Never => {
                    state.left_out += 1;
                    return;
                }
                Wait::Patiently(patience) => match patience.checked_sub(state.progressed.elapsed()) {
                    Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                    None => return,
                },
                Wait::Forever => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        if state.is_gone {
            return;
        }
        state.wake();
        if let count @ 1.. = std::mem::take(&mut state.left_out) {
            let s = if count == 1 { "" } else { "s" };
            state.items.push_back(Item::Stderr(format!("({count} line{s} left out: standard error was too slow)\n")));
        }
        state.items.push_back(item);
        self.changed.notify_all();
    }

    /// Sets what is shown below everything.
    pub(super) fn set_status(&self, status: Option<Status>) {
        let mut state = self.lock();
        state.wake();
        state.status = status;
        state.is_status_new = true;
        self.changed.notify_all();
    }

    /// Waits for what to do.
    pub(super) fn next(&self) -> Next {
        let mut state = self.lock();
        state.is_busy = false;
        self.changed.notify_all();
        loop {
            if let Some(item) = state.items.pop_front() {
                state.is_busy = true;
                return Next::Write(item);
            }
            if std::mem::take(&mut state.is_status_new) {
                state.is_busy = true;
                return Next::Draw(state.status.clone());
            }
            state = match &state.status {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(_) => {
                    let (mut state, waited) =
                        self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
                    state.is_status_new |= waited.timed_out();
                    state
                }
            };
        }
    }

    /// Some bytes were written.
    pub(super) fn progressed(&self) {
        self.lock().progressed = Instant::now();
        self.changed.notify_all();
    }

    /// Ends a question.
    pub(super) fn end(&self, question: &Question) {
        // Under the lock, so that the thread cannot miss it between looking and waiting.
        let _state = self.lock();
        question.is_over.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits until a question is over.
    pub(super) fn wait_for_end(&self, question: &Question) {
        let mut state = self.lock();
        while !question.is_over.load(Ordering::Acquire) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.progressed = Instant::now();
    }

    /// Waits until everything is written, or nothing is within `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let mut state = self.lock();
        while !state.is_idle() && !state.is_gone {
            let Some(left) = patience.checked_sub(state.progressed.elapsed()) else { return };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Item {
        Item::Stderr(format!("{number}\n"))
    }

    #[test]
    fn a_caller_that_must_not_wait_does_not_and_the_lines_left_out_are_counted() {
        let queue = Queue::new();
        (0..CAPACITY + 3).for_each(|number| queue.push(line(number), Wait::Never));
        assert!(matches!(queue.next(), Next::Write(Item::Stderr(first)) if first == "0\n"));
        queue.push(line(9999), Wait::Never);
        let mut last = String::new();
        for _ in 0..CAPACITY {
            if let Next::Write(Item::Stderr(text)) = queue.next() {
                last = text;
            }
        }
        assert!(last.starts_with("(3 lines left out"), "{last}");
    }

    #[test]
    fn patience_ends_where_nothing_is_written() {
        let queue = Queue::new();
        let patience = Duration::from_millis(20);
        (0..=CAPACITY).for_each(|number| queue.push(line(number), Wait::Patiently(patience)));
        queue.flush(patience);
    }
}

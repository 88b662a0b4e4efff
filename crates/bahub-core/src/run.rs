//! What everything that takes part in one run shares: its id, its cancellation, its events, its undo stack.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::event::Events;
use crate::secret::Scrubber;

/// What one run shares with the components that take part in it.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The run's id: 32 hexadecimal digits, never used twice.
    pub id: String,
    /// The backup's name in the configuration.
    pub backup: String,
    /// Why the place is opened.
    pub purpose: RunPurpose,
    /// Ends the run; everything stops and cleans up.
    pub cancel: CancellationToken,
    /// Where to tell what happens.
    pub events: Events,
    /// Replaces secrets in text for people.
    pub scrubber: Scrubber,
    /// What has to be undone at the end, whatever happens.
    pub undo: UndoStack,
}

/// Why a place is opened.
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
            cancel: CancellationToken::new(),
            scrubber: events.scrubber().clone(),
            events,
            undo: UndoStack::default(),
        })
    }
}

/// `bytes` random bytes from the kernel as hexadecimal digits: for names that nobody can guess or has used.
///
/// # Errors
/// If the system's random source fails.
pub fn random_hex(bytes: usize) -> std::io::Result<String> {
    use std::fmt::Write;
    let mut random = vec![0_u8; bytes];
    let mut filled = 0;
    while filled < bytes {
        filled += rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(random.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
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

    /// Undoes everything, last first; a failure does not stop the rest. Gives a sentence for each failure.
    pub async fn unwind(&self) -> Vec<String> {
        let mut failures = Vec::new();
        while let Some(undo) = self.pop() {
            match tokio::time::timeout(Self::LIMIT, undo.work).await {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => failures.push(format!("could not {}: {reason}", undo.what)),
                Err(_) => failures.push(format!("could not {}: no end within {} s", undo.what, Self::LIMIT.as_secs())),
            }
        }
        failures
    }

    fn pop(&self) -> Option<Undo> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).pop()
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
}

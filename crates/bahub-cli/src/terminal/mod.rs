//! Standard output, standard error and the person before them.
//!
//! One thread writes, and only it waits for a terminal that is paused, a pipe that is full, a disk that hangs. All other
//! threads hand their text over. What cannot be written is left out, and changes nothing but, where the text itself was
//! what was asked for, the exit code.

mod logging;
mod prompt;
mod queue;
mod status;
mod writer;

use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bahub_core::secret::Scrubber;
use queue::{Item, Queue, Wait};

use bahub_core::display::escape;
pub(crate) use logging::{LogFormat, start as start_logging};
pub(crate) use prompt::is_interactive;
pub(crate) use status::{Status, moved};
pub(crate) use writer::columns;

/// How long a terminal, a pipe or a file may take nothing before it is given up at the end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the writer; cheap to clone.
#[derive(Clone)]
pub(crate) struct Terminal {
    queue: Arc<Queue>,
    wait: Wait,
    secrets: Secrets,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("wait", &self.wait).finish_non_exhaustive()
    }
}

/// What knows the secrets of the configurations that were read.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<Vec<Scrubber>>>);

impl Secrets {
    pub(crate) fn scrub(&self, text: &str) -> String {
        let scrubbers = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        scrubbers.iter().fold(text.to_owned(), |text, scrubber| scrubber.scrub(&text))
    }
}

impl Terminal {
    /// Starts the thread that writes.
    pub(crate) fn start() -> Self {
        let queue = Arc::new(Queue::new());
        let writing = Arc::clone(&queue);
        let started = thread::Builder::new().name("bahub-writer".into()).spawn(move || writer::run(&writing));
        if started.is_err() {
            queue.give_up();
        }
        Self { queue, wait: Wait::Patiently(PATIENCE), secrets: Secrets::default() }
    }

    /// For a thread that may wait for ever.
    pub(crate) fn for_observer(&self) -> Self {
        Self { wait: Wait::Forever, ..self.clone() }
    }

    /// For threads that must never wait: what finds no room is left out.
    pub(crate) fn for_logs(&self) -> Self {
        Self { wait: Wait::Never, ..self.clone() }
    }

    fn push(&self, item: Item) {
        self.queue.push(item, self.wait);
    }

    /// Replaces these secrets in all that is written on standard error from now on: logs of libraries and the words of a panic
    /// pass by no run that would do it.
    pub(crate) fn learn(&self, scrubber: &Scrubber) {
        self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner).push(scrubber.clone());
    }

    /// To replace the same secrets in text before it is escaped.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    fn push_stderr(&self, text: String) {
        self.push(Item::Stderr(self.secrets.scrub(&text)));
    }

    /// Writes a line on standard error; what could forge another one is escaped.
    pub(crate) fn say(&self, line: &str) {
        self.push_stderr(format!("{}\n", escape(&self.secrets.scrub(line))));
    }

    /// Writes text of several lines on standard error, whose parts were escaped where they came from elsewhere.
    pub(crate) fn say_escaped(&self, text: &str) {
        self.push_stderr(format!("{text}\n"));
    }

    /// Writes a line on standard output, whose parts were escaped where they came from elsewhere.
    pub(crate) fn print_escaped(&self, text: &str) {
        self.push(Item::Stdout(format!("{text}\n")));
    }

    /// Writes a text that was what the user asked for, and waits for that as long as it takes.
    ///
    /// # Errors
    /// Where it could not be written. A reader who had enough is no error.
    pub(crate) fn produce(&self, text: &str) -> io::Result<()> {
        let (done, written) = channel();
        self.push(Item::Product(format!("{text}\n"), done));
        match written.recv().unwrap_or_else(|_| Err(io::Error::other("the output thread has ended"))) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Shows what is going on below everything, or no more.
    pub(crate) fn show(&self, status: Option<Status>) {
        self.queue.set_status(status);
    }

    /// Waits until everything is written, as long as anything is.
    pub(crate) fn flush(&self) {
        self.queue.flush(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use bahub_core::secret::Secret;

    use super::*;

    #[test]
    fn what_any_clone_writes_on_standard_error_holds_no_secret_of_a_plan_that_was_made_later() {
        let terminal = Terminal::start();
        let logs = terminal.for_logs();
        let scrubber = Scrubber::default();
        terminal.learn(&scrubber);
        scrubber.learn(&Secret::new("hunter22"));
        assert_eq!(
            logs.secrets().scrub("WARN the login shop:hunter22 failed"),
            "WARN the login shop:[redacted] failed"
        );
    }
}

//! Asking a person at a terminal.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bahub_core::secret::Secret;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::queue::{Item, Question, Queue};
use bahub_core::display::escape;

use super::Terminal;

/// True where a person can be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

impl Terminal {
    /// Asks, and returns the line that was typed. While it waits nothing else is written; dropping it ends the question.
    pub(crate) async fn ask(&self, question: &str) -> io::Result<String> {
        // What was typed before the question is no answer to it. Once it is shown, what is typed is one.
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        let asked = Asked::new(self, question);
        let line = read_line().await?;
        // An end of the input leaves the cursor where it is.
        asked.question.is_line_open.store(!line.ends_with('\n'), Ordering::Release);
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Asks for something that must not be seen while it is typed.
    pub(crate) async fn ask_secret(&self, question: &str) -> io::Result<Secret> {
        let _hidden = Hidden::new()?;
        let _asked = Asked::new(self, question);
        let line = read_line().await?;
        Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
    }
}

/// A thread that waits for a line cannot be ended, so it is not one that a runtime waits for at its end.
async fn read_line() -> io::Result<String> {
    let (sender, line) = oneshot::channel();
    thread::Builder::new().name("bahub-stdin".into()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        let _ = sender.send(read.map(|_| line));
    })?;
    line.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
}

/// A question under way; over when it is dropped.
struct Asked {
    queue: Arc<Queue>,
    question: Arc<Question>,
}

impl Asked {
    fn new(terminal: &Terminal, question: &str) -> Self {
        let text = format!("{} ", escape(question));
        let question = Question { text, is_over: AtomicBool::new(false), is_line_open: AtomicBool::new(true) };
        let question = Arc::new(question);
        terminal.push(Item::Question(Arc::clone(&question)));
        Self { queue: Arc::clone(&terminal.queue), question }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.queue.end(&self.question);
    }
}

/// A terminal that does not show what is typed; as before when it is dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

//! What the program writes for people, without secrets: the one place that writes to standard error and output. What cannot be
//! written is left out, and ends no run.

use std::io::{self, Write as _};

use bahub_core::exit::ExitCode;
use bahub_core::secret::Scrubber;

/// How much is written; what the user's command itself writes is always passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// Writes lines on standard error; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    level: Level,
    scrubber: Scrubber,
}

impl Output {
    /// Writes lines up to this level, without the secrets that the scrubber knows.
    pub(crate) fn new(level: Level, scrubber: Scrubber) -> Self {
        Self { level, scrubber }
    }

    pub(crate) fn error(&self, message: &str, help: Option<&str>) {
        self.write(Level::Error, &format!("error: {message}"));
        if let Some(help) = help {
            self.write(Level::Error, &format!("help: {help}"));
        }
    }

    pub(crate) fn warn(&self, message: &str) {
        self.write(Level::Warn, &format!("warning: {message}"));
    }

    pub(crate) fn info(&self, message: &str) {
        self.write(Level::Info, message);
    }

    pub(crate) fn debug(&self, message: &str) {
        self.write(Level::Debug, message);
    }

    /// Writes a line of the user's command, as it is.
    pub(crate) fn pass_on(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{}", self.scrubber.scrub(line));
    }

    fn write(&self, level: Level, message: &str) {
        if level <= self.level {
            let message = self.scrubber.scrub(message);
            let shown: String = message.chars().flat_map(shown).collect();
            let _ = writeln!(io::stderr(), "backup-maker: {shown}");
        }
    }
}

/// A character of another program's text; one that a terminal would act on becomes its escape.
fn shown(character: char) -> impl Iterator<Item = char> {
    let acts = character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = acts.then(|| character.escape_default());
    escaped.into_iter().flatten().chain((!acts).then_some(character))
}

/// Writes text that was asked for to standard output. A reader that closes the pipe early is no error.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::Output,
        _ => ExitCode::Ok,
    }
}

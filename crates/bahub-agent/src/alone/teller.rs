//! What is said on standard error, without secrets.

use std::process::ExitCode;

use bahub_core::secret::{Scrubber, Secret};

use super::trouble::Trouble;

/// How much is said; what the command itself says is always passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    /// One of the predecessor's names, or none; with a warning where it is another word.
    pub(super) fn of(text: &str) -> (Self, Option<String>) {
        match text.to_ascii_lowercase().as_str() {
            "panic" | "fatal" | "error" => (Self::Error, None),
            "warn" | "warning" => (Self::Warn, None),
            "" | "info" => (Self::Info, None),
            "debug" | "trace" => (Self::Debug, None),
            _ => (Self::Info, Some(format!("there is no log level {text:?}: it is info"))),
        }
    }
}

/// Writes lines for people; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    level: Level,
    scrubber: Scrubber,
}

impl Teller {
    pub(super) fn new(level: Level) -> Self {
        Self { level, scrubber: Scrubber::default() }
    }

    /// Takes in what no line may hold.
    pub(super) fn learn(&self, secret: &Secret) {
        self.scrubber.learn(secret);
    }

    pub(super) fn warn(&self, what: &str) {
        self.say(Level::Warn, &format!("warning: {what}"));
    }

    pub(super) fn info(&self, what: &str) {
        self.say(Level::Info, what);
    }

    pub(super) fn debug(&self, what: &str) {
        self.say(Level::Debug, what);
    }

    /// A line of the command, as it is.
    pub(super) fn pass_on(&self, line: &str) {
        eprintln!("{}", self.scrubber.scrub(line));
    }

    /// Says what ended the run, and gives its exit code.
    pub(super) fn ended(&self, trouble: &Trouble) -> ExitCode {
        self.say(Level::Error, &format!("error: {trouble}"));
        if let Some(help) = trouble.help() {
            self.say(Level::Error, &format!("help: {help}"));
        }
        ExitCode::from(trouble.exit() as u8)
    }

    fn say(&self, level: Level, what: &str) {
        if level <= self.level {
            eprintln!("backup-maker: {}", self.scrubber.scrub(what));
        }
    }
}

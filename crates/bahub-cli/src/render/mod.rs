//! What people and programs see: nothing here decides anything.

mod advice;
mod failure;
mod json;
mod status;
mod text;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bahub_core::config::ConfigErrors;
use bahub_core::display::{date, escape, escape_lines, size};
use bahub_core::engine::Engine;
use bahub_core::exit::ExitCode;
use bahub_core::observer::RunRecord;
use bahub_core::report::Outcome;
use bahub_core::sink::Version;
use bahub_notifiers::DeliveryFailure;
use jiff::Timestamp;
use serde_json::json;

use crate::args::{Color, Global, Output};
use crate::failed::{Failed, Reason};
use crate::terminal::{LogFormat, Terminal, start_logging};
use failure::{Failure, Style};

pub(crate) use self::advice::advice;

/// Writes results to standard output and everything else to standard error.
#[derive(Debug, Clone)]
pub(crate) struct Renderer {
    terminal: Terminal,
    output: Output,
    verbosity: u8,
    has_status: bool,
    style: Style,
    fail_on_warnings: bool,
    /// Whether nothing is written about what succeeds without a warning.
    quiet: bool,
    /// Whether a command is about several backups, so that lines begin with a name.
    names: Arc<AtomicBool>,
}

/// The newest version of a backup, or why its store could not be asked.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) backup: String,
    pub(crate) version: Result<Option<Version>, Failed>,
}

impl Renderer {
    pub(crate) fn new(global: &Global, terminal: Terminal) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let is_dumb = is_dumb();
        let colour = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_plain(),
        };
        Self {
            terminal,
            output: global.output,
            verbosity: if global.debug { 2 } else { global.verbose },
            has_status: is_terminal && !is_dumb && !global.quiet && global.output == Output::Text,
            style: Style { boxes: is_terminal && !is_dumb && is_utf8(), is_utf8: is_utf8(), colour },
            fail_on_warnings: global.fail_on_warnings,
            quiet: global.quiet,
            names: Arc::default(),
        }
    }

    /// Has lines about a run begin with its backup's name, or not.
    pub(crate) fn names_backups(&self, names: bool) {
        self.names.store(names, Ordering::Relaxed);
    }

    /// Starts the logs of libraries.
    pub(crate) fn start_logging(&self, global: &Global) {
        let level = global.log_level.as_deref().unwrap_or(match self.verbosity {
            0 => "warn",
            1 => "bahub=info,warn",
            _ => "bahub_core=debug,bahub_agent=debug,bahub_sinks=debug,info",
        });
        let target = self.verbosity > 0 || global.log_level.is_some();
        start_logging(
            &self.terminal,
            level,
            LogFormat { colour: self.style.colour, target, secrets: self.terminal.secrets() },
        );
        if global.show_secrets {
            tracing::warn!("--show-secrets has no effect: bahub never shows secrets");
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Whether a run that succeeded with warnings is no success.
    pub(crate) fn fails_on_warnings(&self) -> bool {
        self.fail_on_warnings
    }

    /// Shows this engine's runs.
    pub(crate) fn watch(&self, engine: Engine) -> Engine {
        let terminal = self.terminal.for_observer();
        if self.is_json() {
            return engine.observed_by(json::Json {
                terminal,
                fail_on_warnings: self.fail_on_warnings,
                names: Arc::clone(&self.names),
            });
        }
        engine.observed_by(text::Text {
            terminal,
            style: self.style,
            verbosity: self.verbosity,
            has_status: self.has_status,
            quiet: self.quiet,
            names: Arc::clone(&self.names),
            status: None,
            said: Instant::now(),
        })
    }

    /// Writes why something other than a run failed.
    pub(crate) fn failed(&self, failed: &Failed) {
        if self.is_json() {
            self.terminal.print_escaped(&json::failed(failed));
            return;
        }
        match &failed.reason {
            Reason::Config(errors) => self.config_errors(errors),
            Reason::Run(error) => self
                .failure(&Failure::new(&error.chain(), error.help().map(|help| advice(help, advice::ANY)).as_deref())),
        }
    }

    fn config_errors(&self, errors: &ConfigErrors) {
        for (index, error) in errors.iter().enumerate() {
            if index > 0 {
                self.terminal.say("");
            }
            self.failure(&Failure::of_config(error));
        }
        let count = errors.iter().count();
        if count > 1 {
            self.terminal.say("");
            self.terminal.say(&format!("the configuration has {count} errors"));
        }
    }

    fn failure(&self, failure: &Failure) {
        self.terminal.say_escaped(&failure.render(self.style));
    }

    /// Writes why nothing was begun for one of several backups.
    pub(crate) fn failed_for(&self, name: &str, failed: &Failed) {
        if !self.is_json() && self.names.load(Ordering::Relaxed) {
            self.terminal.say(&format!("{name}: not started"));
        }
        self.failed(failed);
    }

    /// Writes how each of several backups ended, and what is to be looked at.
    pub(crate) fn ends(&self, ends: &[(&str, ExitCode)]) {
        let failed: Vec<_> = ends.iter().filter(|(_, exit)| *exit != ExitCode::Ok).collect();
        if self.is_json() {
            let each = ends
                .iter()
                .map(|(name, exit)| json!({ "backup": name, "exit_code": exit.code(), "exit": exit.name() }));
            self.result(&json::line(&json!({ "event": "all-ended", "backups": each.collect::<Vec<_>>() })));
        } else if !failed.is_empty() {
            let each = failed.iter().map(|(name, exit)| format!("{name} ({}, exit code {})", exit.name(), exit.code()));
            let each = each.collect::<Vec<_>>().join(", ");
            self.terminal.say(&format!("{} of {} failed: {each}", failed.len(), ends.len()));
        } else if !self.quiet {
            self.result(&format!("all {} succeeded", ends.len()));
        }
    }

    /// Writes the newest version of each backup, which was what the user asked for.
    pub(crate) fn newest(&self, newest: &[Newest]) -> Result<(), Failed> {
        if self.is_json() {
            let each = newest.iter().map(|Newest { backup, version }| match version {
                Ok(version) => json!({ "backup": backup, "newest": version }),
                Err(failed) => json!({ "backup": backup, "newest": null, "error": failed.sentence() }),
            });
            return self.json_product(&json!({ "backups": each.collect::<Vec<_>>() }));
        }
        let width = newest.iter().map(|newest| escape(&newest.backup).chars().count()).max().unwrap_or(0);
        let lines = newest.iter().map(|Newest { backup, version }| {
            let what = match version {
                Ok(Some(version)) => version_line(version),
                Ok(None) => "-  there is no version".to_owned(),
                Err(failed) => format!("-  cannot be listed: {}", escape(&failed.sentence())),
            };
            format!("{:width$}  {what}", escape(backup))
        });
        self.produce(&lines.collect::<Vec<_>>().join("\n"))
    }

    /// Writes a list of versions, which was what the user asked for.
    pub(crate) fn versions(&self, name: &str, versions: &[Version]) -> Result<(), Failed> {
        if self.is_json() {
            return self.json_product(&json!({ "backup": name, "versions": versions }));
        }
        if versions.is_empty() {
            return self.product(&escape(&format!("there is no version of {name}")));
        }
        let lines: Vec<_> = versions.iter().map(version_line).collect();
        self.product(&lines.join("\n"))
    }

    fn json_product(&self, value: &serde_json::Value) -> Result<(), Failed> {
        self.produce(&json::line(value))
    }

    /// Writes a text that was what the user asked for.
    pub(crate) fn product(&self, text: &str) -> Result<(), Failed> {
        self.produce(&escape_lines(text.trim_end()))
    }

    fn produce(&self, text: &str) -> Result<(), Failed> {
        let written = self.terminal.produce(text);
        written.map_err(|error| Failed::new(ExitCode::Output, format!("cannot write to standard output: {error}")))
    }

    /// Writes a result that stands for itself elsewhere: that it cannot be written changes nothing.
    pub(crate) fn result(&self, text: &str) {
        self.terminal.print_escaped(&escape_lines(text.trim_end()));
    }

    /// Writes something that is not as it should be, and fails nothing.
    pub(crate) fn warning(&self, text: &str) {
        if self.is_json() {
            self.terminal.print_escaped(&json::line(&json!({ "event": "warning", "message": text })));
        } else {
            self.terminal.say(&format!("warning: {text}"));
        }
    }

    /// Writes when each backup is due next, the first at the front.
    pub(crate) fn scheduled(&self, next: &[(Option<Timestamp>, &str)]) {
        if self.is_json() {
            let each = next.iter().map(|(due, backup)| json!({ "backup": backup, "next": due }));
            let event = json!({ "event": "scheduled", "backups": each.collect::<Vec<_>>() });
            return self.terminal.print_escaped(&json::line(&event));
        }
        let first = next.iter().find_map(|(due, backup)| Some(format!("; next: {backup} at {}", date((*due)?))));
        let backups = if next.len() == 1 {
            "1 backup has a schedule".to_owned()
        } else {
            format!("{} backups have a schedule", next.len())
        };
        self.notice(&format!("{backups}{}", first.unwrap_or_default()));
    }

    /// Writes whether a notifier took a notification that was sent to try it, or why it did not.
    pub(crate) fn tested(&self, notifier: &str, error: Option<&str>) {
        if self.is_json() {
            let event = json!({ "event": "tested", "notifier": notifier, "error": error });
            return self.terminal.print_escaped(&json::line(&event));
        }
        match error {
            None => self.result(&format!("{}: sent", escape(notifier))),
            Some(error) => self.terminal.say(&format!("{notifier}: failed: {error}")),
        }
    }

    /// Writes that somebody was not told, and why.
    pub(crate) fn not_notified(&self, DeliveryFailure { notifier, message, .. }: &DeliveryFailure) {
        if self.is_json() {
            let event = json!({ "event": "not-notified", "notifier": notifier, "message": message });
            self.terminal.print_escaped(&json::line(&event));
        } else {
            self.terminal.say(&format!("warning: the notifier \"{notifier}\" failed: {message}"));
        }
    }

    /// Writes something that is good to know.
    pub(crate) fn notice(&self, text: &str) {
        if self.quiet {
            return;
        }
        self.terminal.say(&format!("notice: {text}"));
    }
}

/// `v7        1.20 GiB  2026-11-28 03:00:00 CET  /srv/backups/...`
fn version_line(version: &Version) -> String {
    let number = version.number.to_string();
    match &version.damage {
        None => {
            let (bytes, created) = (size(version.size), version.created.map_or_else(|| "-".to_owned(), date));
            let partial = match version.missing {
                0 => String::new(),
                1 => "  partial: 1 part is missing".to_owned(),
                missing => format!("  partial: {missing} parts are missing"),
            };
            let tags = match version.tags.as_slice() {
                [] => String::new(),
                tags => format!("  [{}]", escape(&tags.join(", "))),
            };
            format!("{number:<8} {bytes:>10}  {created}  {}{partial}{tags}", escape(&version.location))
        }
        Some(damage) => format!("{number:<8} {:>10}  cannot be read: {}", "-", escape(damage)),
    }
}

/// The exit code of a program that did this run alone; none where this build does not know it.
fn exit_of(record: &RunRecord, fail_on_warnings: bool) -> Option<ExitCode> {
    match ExitCode::of(record.exit_code)? {
        ExitCode::Ok if fail_on_warnings && record.report.outcome == Outcome::SucceededWithWarnings => {
            Some(ExitCode::Warnings)
        }
        exit => Some(exit),
    }
}

/// Whether the terminal cannot move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether colours are unwanted wherever they were not asked for.
pub(crate) fn is_plain() -> bool {
    is_dumb() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the locale writes UTF-8; POSIX: the first of these variables that is set and not empty counts.
fn is_utf8() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

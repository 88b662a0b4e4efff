//! One JSON object a line, for programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bahub_core::display::is_hostile;
use bahub_core::event::Event;
use bahub_core::exit::ExitCode;
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use serde::Serialize;
use serde_json::{Value, json};

use super::advice::{ANY, advice};
use super::exit_of;
use crate::failed::{Failed, Reason};
use crate::terminal::Terminal;

/// Writes events, and how each run ended.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) terminal: Terminal,
    pub(super) fail_on_warnings: bool,
    /// Whether events have the name of their backup.
    pub(super) names: Arc<AtomicBool>,
}

impl Observer for Json {
    fn event(&mut self, run: &RunInfo, event: &Event) {
        if !self.names.load(Ordering::Relaxed) {
            return self.terminal.print_escaped(&line(event));
        }
        let mut event = serde_json::to_value(event).unwrap_or_default();
        if let Some(fields) = event.as_object_mut() {
            fields.insert("backup".into(), run.backup.clone().into());
        }
        self.terminal.print_escaped(&line(&event));
    }

    fn finished(&mut self, record: &RunRecord) {
        let exit = exit_of(record, self.fail_on_warnings);
        let ended = json!({
            "event": "ended",
            "exit_code": exit.map_or(record.exit_code, ExitCode::code),
            "exit": exit.map_or(record.exit, ExitCode::name),
            "report": record.report,
            "error": record.error.as_ref().map(|error| {
                json!({ "message": error.message, "help": error.help.as_ref().map(|help| advice(help, &record.report.backup)) })
            }),
            "not_undone": record.not_undone,
        });
        self.terminal.print_escaped(&line(&ended));
    }
}

/// A value in one line.
pub(super) fn line(value: &impl Serialize) -> String {
    // Only a map with keys that are no texts cannot be written, and there is none.
    as_ascii_controls(&serde_json::to_string(value).unwrap_or_default())
}

/// The same JSON, in which what a terminal would act on stands as JSON's own escape.
fn as_ascii_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hostile(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Why something other than a run failed.
pub(super) fn failed(failed: &Failed) -> String {
    let errors = match &failed.reason {
        Reason::Config(errors) => serde_json::to_value(errors).unwrap_or_default(),
        Reason::Run(error) => json!([{ "message": error.chain(), "help": error.help().map(|help| advice(help, ANY)) }]),
    };
    let exit = failed.exit;
    let failed: Value = json!({ "event": "failed", "exit_code": exit.code(), "exit": exit.name(), "errors": errors });
    line(&failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_the_text_is_the_same() {
        let text = "a\u{9b}1A\u{7f}\u{202e}b\n\u{e0041}é";
        let line = line(&json!({ "damage": text }));
        assert!(!line.chars().any(is_hostile), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["damage"], text);
    }
}

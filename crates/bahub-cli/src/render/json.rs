//! One JSON object a line, for programs.

use bahub_core::event::Event;
use bahub_core::exit::ExitCode;
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use serde::Serialize;
use serde_json::{Value, json};

use super::exit_of;
use crate::command::{Failed, Reason};
use crate::terminal::Terminal;

/// Writes events, and how each run ended.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) terminal: Terminal,
    pub(super) fail_on_warnings: bool,
}

impl Observer for Json {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        self.terminal.print_escaped(&line(event));
    }

    fn finished(&mut self, record: &RunRecord) {
        let exit = exit_of(record, self.fail_on_warnings);
        let ended = json!({
            "event": "ended",
            "exit_code": exit.map_or(record.exit_code, ExitCode::code),
            "exit": exit.map_or(record.exit, ExitCode::name),
            "report": record.report,
            "error": record.error,
            "not_undone": record.not_undone,
        });
        self.terminal.print_escaped(&line(&ended));
    }
}

/// A value in one line.
pub(super) fn line(value: &impl Serialize) -> String {
    // Only a map with keys that are no texts cannot be written, and there is none.
    serde_json::to_string(value).unwrap_or_default()
}

/// Why something other than a run failed.
pub(super) fn failed(failed: &Failed) -> String {
    let errors = match &failed.reason {
        Reason::Config(errors) => serde_json::to_value(errors).unwrap_or_default(),
        Reason::Run(error) => json!([{ "message": error.chain(), "help": error.help() }]),
    };
    let exit = failed.exit;
    let failed: Value = json!({ "event": "failed", "exit_code": exit.code(), "exit": exit.name(), "errors": errors });
    line(&failed)
}

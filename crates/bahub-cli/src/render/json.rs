//! One JSON object a line, for programs.

use bahub_core::engine::{RunError, RunOutcome};
use bahub_core::event::Event;
use bahub_core::exit::ExitCode;
use bahub_core::observer::{Observer, RunInfo};
use serde::Serialize;
use serde_json::{Value, json};

use super::print_line;
use crate::command::{Failed, Reason};

/// Writes a value as a line.
pub(super) fn line(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        print_line(&text);
    }
}

/// Writes events.
pub(super) struct Events;

impl Observer for Events {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        line(event);
    }
}

/// Writes how a run ended.
pub(super) fn ended(ended: &RunOutcome, code: u8) {
    line(&json!({
        "event": "ended",
        "exit_code": code,
        "exit": name_of(code),
        "report": ended.report,
        "error": ended.error.as_ref().map(error),
        "not_undone": ended.not_undone,
    }));
}

/// Writes why something other than a run failed.
pub(super) fn failed(failed: &Failed) {
    let errors = match &failed.reason {
        Reason::Config(errors) => serde_json::to_value(errors).unwrap_or_default(),
        Reason::Run(run) => json!([error(run)]),
    };
    line(&json!({ "event": "failed", "exit_code": failed.code, "exit": name_of(failed.code), "errors": errors }));
}

fn error(error: &RunError) -> Value {
    json!({ "message": error.chain(), "help": error.help() })
}

fn name_of(code: u8) -> Option<&'static str> {
    ExitCode::of(code).map(ExitCode::name)
}

//! An engine, a store, and a folder for data.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bahub_adapters::command::Command;
use bahub_core::engine::{RestoreOptions, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Component;
use bahub_core::report::Outcome;
use bahub_core::sink::Sink;
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::EngineRoom;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Room {
    pub(crate) engine: EngineRoom,
    pub(crate) sink: MemorySink,
    pub(crate) folder: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { engine: EngineRoom::new(), sink: MemorySink::new("command"), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn plan(&self, spec: Value) -> Plan {
        self.engine.plan(Arc::new(adapter(spec)), Arc::new(self.sink.clone()))
    }

    pub(crate) async fn backup(&self, spec: Value) -> RunOutcome {
        self.engine.backup(&self.plan(spec)).await
    }

    pub(crate) async fn restore(&self, spec: Value) -> RunOutcome {
        self.engine.restore(&self.plan(spec), &RestoreOptions::default()).await
    }

    pub(crate) async fn versions(&self) -> usize {
        self.sink.list().await.unwrap().len()
    }
}

/// A spec that captures with this line of a shell, and restores into nothing.
pub(crate) fn captures(line: &str) -> Value {
    json!({ "capture": line, "restore": ["cat"] })
}

pub(crate) fn merged(mut spec: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("an object") };
    spec.as_object_mut().unwrap().extend(more);
    spec
}

pub(crate) fn adapter(spec: Value) -> Command {
    Command::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

#[track_caller]
pub(crate) fn done(ended: &RunOutcome) {
    let done = matches!(ended.report.outcome, Outcome::Succeeded | Outcome::SucceededWithWarnings);
    assert!(done && ended.error.is_none(), "{}", failure_text(ended));
}

/// Everything that a failed run reports.
#[track_caller]
pub(crate) fn failure_text(ended: &RunOutcome) -> String {
    let error = ended.error.as_ref().unwrap_or_else(|| panic!("it succeeded: {:?}", ended.report));
    format!("{:?}: {} | {}", error.kind(), error.chain(), error.help().map_or("no help".into(), ToString::to_string))
}

//! A source, and operations on it.

use std::sync::{Arc, LazyLock};

use bahub_adapters::postgres_dump::PostgresDump;
use bahub_core::engine::{DownloadContent, DownloadOptions, RestoreOptions, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::report::Outcome;
use bahub_core::sink::VersionSelector;
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::{EngineRoom, Postgres};
use serde_json::{Value, json};

/// A server that tests share; each has its own databases there.
pub(crate) static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// The spec of an adapter that logs in as `postgres`, with more keys.
pub(crate) fn spec(server: &Postgres, more: Value) -> Value {
    let mut spec = json!({
        "host": "127.0.0.1", "port": server.port(), "user": "postgres", "password": Postgres::PASSWORD,
    });
    merge(&mut spec, more);
    spec
}

pub(crate) fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object") };
    into.as_object_mut().unwrap().extend(more);
}

pub(crate) fn adapter(spec: Value) -> PostgresDump {
    PostgresDump::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// An engine and a store.
pub(crate) struct Room {
    pub(crate) engine: EngineRoom,
    pub(crate) sink: MemorySink,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { engine: EngineRoom::new(), sink: MemorySink::new("postgres") }
    }

    pub(crate) fn plan(&self, spec: Value) -> Plan {
        self.engine.plan(Arc::new(adapter(spec)), Arc::new(self.sink.clone()))
    }

    pub(crate) async fn backup(&self, spec: Value) -> RunOutcome {
        self.engine.backup(&self.plan(spec)).await
    }

    pub(crate) async fn restore(&self, spec: Value, target: ReplayTarget) -> RunOutcome {
        self.engine.restore(&self.plan(spec), &RestoreOptions::default().to(target)).await
    }

    /// Back where it came from.
    pub(crate) async fn restored(&self, spec: Value) -> RunOutcome {
        self.restore(spec, ReplayTarget::at(RestoreTarget::Original)).await
    }
}

/// In one transaction, in the existing database.
pub(crate) fn in_place() -> ReplayTarget {
    ReplayTarget { in_place: true, ..ReplayTarget::default() }
}

#[track_caller]
pub(crate) fn done(ended: &RunOutcome) {
    let done = matches!(ended.report.outcome, Outcome::Succeeded | Outcome::SucceededWithWarnings);
    assert!(done && ended.error.is_none(), "{}", failure_text(ended));
}

/// Everything that a failed run reports.
pub(crate) fn failure_text(ended: &RunOutcome) -> String {
    let error = ended.error.as_ref().expect("an error");
    format!(
        "{:?}: {} | {}",
        error.kind(),
        error.chain(),
        error.help().map_or("no help".to_owned(), ToString::to_string)
    )
}

/// Databases that restores left behind.
pub(crate) fn left(server: &Postgres) -> String {
    server.sql("postgres", "SELECT datname FROM pg_database WHERE datname ~ '^__bahub' ORDER BY 1")
}

/// Those of one restore, on a server where others restore meanwhile.
pub(crate) fn left_by(ended: &RunOutcome, server: &Postgres) -> String {
    let run = ended.report.run.replace('-', "");
    left(server).lines().filter(|name| name.contains(&run)).collect()
}

impl Room {
    /// The content of the newest version.
    pub(crate) async fn content(&self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("content");
        let plan = self.plan(json!({ "host": "unused", "user": "unused" }));
        let options = DownloadOptions::new(VersionSelector::Latest, DownloadContent::Plain, &file);
        done(&self.engine.engine().download(&plan, &options).await);
        std::fs::read(&file).unwrap()
    }
}

/// Shows only the first line that differs.
#[track_caller]
pub(crate) fn same(one: &str, other: &str) {
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{differs:?}");
}

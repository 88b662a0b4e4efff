//! A source, and operations on it.

use std::sync::{Arc, LazyLock};

use bahub_adapters::mysql::Mysql;
use bahub_core::adapter::Adapter;
use bahub_core::engine::{RestoreOptions, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::report::Outcome;
use bahub_testkit::fakes::{MemorySink, WithPrograms};
use bahub_testkit::fixtures::{EngineRoom, MariaDb, Release};
use serde_json::{Value, json};

/// A server that tests share; each has its own databases there.
pub(crate) static SHARED: LazyLock<MariaDb> = LazyLock::new(MariaDb::start);

/// The same of other releases. No drill may run there: any run sweeps what a drill fills.
pub(crate) static SHARED_11: LazyLock<MariaDb> = LazyLock::new(|| MariaDb::of(Release::MariaDb11, &[]));
pub(crate) static SHARED_MYSQL: LazyLock<MariaDb> = LazyLock::new(|| MariaDb::of(Release::MySql9, &[]));

/// The shared server of this release.
pub(crate) fn shared(release: Release) -> &'static MariaDb {
    match release {
        Release::MySql9 => &SHARED_MYSQL,
        Release::MariaDb11 => &SHARED_11,
        _ => &SHARED,
    }
}

/// The spec of an adapter that logs in as root, with more keys.
pub(crate) fn spec(server: &MariaDb, more: Value) -> Value {
    let mut spec = json!({
        "host": "127.0.0.1", "port": server.port(), "user": "root", "password": MariaDb::ROOT_PASSWORD,
    });
    merge(&mut spec, more);
    spec
}

pub(crate) fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object") };
    into.as_object_mut().expect("an object").extend(more);
}

pub(crate) fn adapter(spec: Value) -> Mysql {
    Mysql::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// An engine and a store.
pub(crate) struct Room {
    pub(crate) engine: EngineRoom,
    pub(crate) sink: MemorySink,
    /// Whose client programs run.
    pub(crate) client: Release,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::with_client(Release::System)
    }

    pub(crate) fn with_client(client: Release) -> Self {
        Self { engine: EngineRoom::new(), sink: MemorySink::new("mysql"), client }
    }

    pub(crate) fn plan(&self, spec: Value) -> Plan {
        let adapter: Arc<dyn Adapter> = match self.client.folder() {
            Some(folder) => Arc::new(WithPrograms::new(adapter(spec), folder)),
            None => Arc::new(adapter(spec)),
        };
        self.engine.plan(adapter, Arc::new(self.sink.clone()))
    }

    pub(crate) async fn backup(&self, spec: Value) -> RunOutcome {
        self.engine.backup(&self.plan(spec)).await
    }

    pub(crate) async fn restore(&self, spec: Value, location: RestoreTarget) -> RunOutcome {
        self.restore_to(spec, ReplayTarget::at(location)).await
    }

    pub(crate) async fn restore_to(&self, spec: Value, target: ReplayTarget) -> RunOutcome {
        self.engine.restore(&self.plan(spec), &RestoreOptions::default().to(target)).await
    }
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

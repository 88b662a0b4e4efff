//! Makes a backup from another Rust program: `embed bahub.yaml NAME`.

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use bahub_agent::{AgentSinks, InProcess};
use bahub_core::config::{Configuration, Environment};
use bahub_core::engine::{BackupOptions, Engine};
use bahub_core::event::Event;
use bahub_core::observer::{Observer, RunInfo};
use bahub_core::registry::RegistryBuilder;
use bahub_crypto::OpenPgpKeys;

/// Writes every event. It has its own thread: a run neither waits for it nor fails with it.
struct Log;

impl Observer for Log {
    fn event(&mut self, run: &RunInfo, event: &Event) {
        let _ = writeln!(stderr(), "{}: {event:?}", run.backup);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (file, name) = args.next().zip(args.next()).ok_or("usage: embed FILE NAME")?;

    let mut components = RegistryBuilder::new();
    bahub_adapters::register(&mut components);
    bahub_transports::register(&mut components);
    bahub_sinks::register(&mut components);
    let configuration = Configuration::load(&[file.into()], &Arc::new(components.build()?), Environment::process())?;

    let plan = configuration.plan(&name)?;
    let agent = InProcess::new(AgentSinks::new(bahub_sinks::agent_sinks()));
    let engine = Engine::new(Arc::new(OpenPgpKeys), Arc::new(agent)).observed_by(Log);
    let outcome = engine.backup(&plan, &BackupOptions::default()).await;
    engine.observers().drain(Duration::from_secs(10));

    let report = outcome.into_result()?;
    if let Some(version) = report.version {
        let _ = writeln!(stdout(), "{}: {version}", report.backup);
    }
    Ok(())
}

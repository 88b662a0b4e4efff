//! Makes a backup from another Rust program: `embed bahub.yaml NAME`.

use std::error::Error;
use std::sync::Arc;

use bahub_agent::{AgentSinks, InProcess};
use bahub_core::config::{Configuration, Environment};
use bahub_core::engine::Engine;
use bahub_core::event::Events;
use bahub_core::registry::RegistryBuilder;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_crypto::OpenPgpKeys;

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
    let engine = Engine::new(Arc::new(OpenPgpKeys), Arc::new(agent));
    let events = Events::to(|event| println!("{event:?}")).scrubbed_by(plan.scrubber.clone());
    let ended = engine.backup(&plan, &RunContext::new(&name, RunPurpose::Backup, events)?).await;

    println!("{:?}: {:?}", ended.report.outcome, ended.report.version);
    ended.error.map_or(Ok(()), |error| Err(error.into()))
}

//! Who speaks to the store: the agent, or the controller for it.

use super::agent::Agent;
use super::error::{RunError, RunErrorKind};
use crate::link::Route;
use crate::plan::Plan;
use crate::report::RouteKind;
use crate::sink::{AgentSink, Purpose};
use crate::transport::Locality;

/// Chooses the route and gets what a direct one needs.
pub(super) async fn choose(plan: &Plan, agent: &Agent, purpose: Purpose) -> Result<Option<AgentSink>, RunError> {
    if plan.relay == Some(true) {
        return Ok(None);
    }
    let delegated = plan.sink.delegate(purpose).await?;
    let usable = match &delegated {
        None => Err("the store cannot be used by an agent directly"),
        Some(sink) if !agent.hello.sinks.contains(&sink.kind) => Err("the agent does not support this kind of store"),
        Some(sink) if sink.loopback && agent.locality == Locality::Remote => {
            Err("the store has a loopback address, which the agent on another host cannot reach")
        }
        Some(_) => Ok(()),
    };
    match (usable, plan.relay) {
        (Ok(()), _) => Ok(delegated),
        (Err(why), Some(false)) => {
            Err(RunError::new(RunErrorKind::Store, format!("relay: false is not possible: {why}"))
                .with_help("remove `relay: false` from the backup's meta"))
        }
        (Err(_), _) => Ok(None),
    }
}

/// The warning about a direct route that the agent could not take.
pub(super) fn relayed_because(error: &RunError) -> String {
    format!("the data is relayed through this host: {}", error.chain())
}

/// The route as it stands in a job.
pub(super) fn route_of(granted: Option<&AgentSink>) -> Route {
    match granted {
        Some(sink) => Route::Direct { kind: sink.kind.clone(), endpoint: sink.endpoint.clone() },
        None => Route::Relayed,
    }
}

/// The route as a report has it.
pub(super) fn kind_of(granted: Option<&AgentSink>) -> RouteKind {
    if granted.is_some() { RouteKind::Direct } else { RouteKind::Relayed }
}

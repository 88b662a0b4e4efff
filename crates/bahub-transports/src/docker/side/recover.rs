//! Side containers that no run holds any more.

use std::collections::HashMap;

use bahub_core::transport::{Recovered, TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::ContainerStateStatusEnum as Status;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::super::beside::remove;
use super::super::engine::failed;
use super::super::find;
use super::record::{RUN, Record};

/// Mends what dead runs left: what they stopped is up first, then their containers go.
///
/// # Errors
/// The first thing that could not be brought back; the rest was.
pub(in crate::docker) async fn recover(docker: &Docker) -> Result<Vec<Recovered>, TransportError> {
    let filters = HashMap::from([("label".to_owned(), vec![RUN.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await;
    let listed = listed.map_err(failed(TransportErrorKind::Unreachable, "the containers cannot be listed"))?;
    let (mut recovered, mut wrong) = (Vec::new(), None);
    for side in listed {
        let Some((id, record)) = side.id.zip(side.labels.as_ref().and_then(Record::parse)) else { continue };
        match mended(docker, &id, &record).await {
            Ok(done) => recovered.extend(done),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    wrong.map_or(Ok(recovered), Err)
}

async fn mended(docker: &Docker, id: &str, record: &Record) -> Result<Vec<Recovered>, TransportError> {
    // It went between the list and now.
    let Ok(side) = find::inspect(docker, id).await else { return Ok(Vec::new()) };
    let is_dead = match record.holder.as_ref().and_then(|holder| holder.lives()) {
        Some(lives) => !lives,
        // The run is of another host or boot: its agent ends within 30 s of it, and the container with the agent.
        None => matches!(side.status(), Status::EXITED | Status::DEAD),
    };
    if !is_dead {
        return Ok(Vec::new());
    }
    // Whatever still works in it works for nobody, and on the data of what is about to start.
    let _ = docker.kill_container(id, None).await;
    let brought_back = record.bring_back(docker).await?;
    remove(docker, id).await?;
    let container = |what: &str, done: &str| Recovered { what: format!("container {what}"), done: done.to_owned() };
    let mut done: Vec<_> = brought_back
        .iter()
        .filter_map(|sentence| sentence.split_once(' '))
        .map(|(name, done)| container(name, done))
        .collect();
    done.push(container(&side.name, "removed: a run that was killed had left it"));
    Ok(done)
}

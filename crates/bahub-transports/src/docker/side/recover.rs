//! Side containers that no live run holds.

use std::collections::HashMap;

use bahub_core::run::RunPurpose;
use bahub_core::transport::{Recovered, TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{ContainerStateStatusEnum as Status, ContainerSummary};
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::super::beside::{end, remove};
use super::super::engine::failed;
use super::super::find::{self, ContainerInfo};
use super::record::{Progress, RUN, Record, Was};
use crate::holder::Holder;

/// Cleans up after dead runs: what they stopped is restarted first, then their containers are removed.
///
/// # Errors
/// The first thing that could not be restarted; the rest was.
pub(in crate::docker) async fn recover(docker: &Docker, purpose: RunPurpose) -> Result<Vec<Recovered>, TransportError> {
    let (mut recovered, mut wrong) = (Vec::new(), None);
    let (mut dead, mut held) = (Vec::new(), Vec::new());
    for Left { id, record, progress } in records(docker).await? {
        let is_dead = is_dead(docker, &id, &record, purpose).await;
        if matches!(is_dead, Ok(true)) {
            dead.push((id, record, progress));
            continue;
        }
        // A run that cannot be checked may be alive.
        wrong = wrong.or(is_dead.err());
        if progress != Progress::Returned {
            held.extend(record.before.into_iter().map(|before| before.id));
        }
    }
    for (id, mut record, progress) in dead {
        // What a live run holds too stays until that run ends, and so does the record of its state.
        let all = record.before.len();
        record.before.retain(|before| !held.contains(&before.id));
        let is_whole = record.before.len() == all;
        match mended(docker, &id, record, progress, is_whole).await {
            Ok(done) => recovered.extend(done),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    wrong.map_or(Ok(recovered), |error| Err(undone(error)))
}

/// Whatever the reason: something that was stopped is still down.
fn undone(error: TransportError) -> TransportError {
    let help = error.help().cloned();
    TransportError::new(TransportErrorKind::Undo, error.chain()).with_help_opt(help)
}

/// Fails if a run that is not known to be dead may stop, or has stopped, one of the same containers; or if a dead run has
/// stopped one that is not back yet, since its current state is not its original one.
///
/// # Errors
/// [`TransportErrorKind::Refused`], naming the container.
pub(super) async fn must_be_free(docker: &Docker, of: &Record) -> Result<(), TransportError> {
    let refused = |message: String, help: &'static str| {
        Err(TransportError::new(TransportErrorKind::Refused, message).with_help(help))
    };
    for Left { id: side, record: other, progress } in records(docker).await? {
        if other.run == of.run || progress == Progress::Returned {
            continue;
        }
        let shared: Vec<_> = other.before.iter().filter(|one| of.holds(&one.id)).collect();
        let Some(first) = shared.first() else { continue };
        if !is_dead(docker, &side, &other, RunPurpose::Backup).await? {
            let message = format!("another run is using the data of the container {}", first.name);
            return refused(message, "wait for it to finish, then try again");
        }
        for one in shared {
            if one.was != Was::Down && !find::inspect(docker, &one.id).await?.is_up() {
                let message = format!("the container {} was stopped by a killed run", one.name);
                return refused(message, "{recover what killed runs left} to restart it");
            }
        }
    }
    Ok(())
}

/// An existing side container, and its run's record.
struct Left {
    id: String,
    record: Record,
    progress: Progress,
}

/// The existing side containers; if a run has several, the one with the most advanced state counts.
async fn records(docker: &Docker) -> Result<Vec<Left>, TransportError> {
    let filters = HashMap::from([("label".to_owned(), vec![RUN.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await;
    let listed = listed.map_err(failed(TransportErrorKind::Unreachable, "cannot list the containers"))?;
    let left = |side: ContainerSummary| {
        let record = Record::parse(side.labels.as_ref()?)?;
        let progress = side.names.iter().flatten().map(|name| Progress::of(name)).max().unwrap_or(Progress::Held);
        Some(Left { id: side.id?, record, progress })
    };
    let mut all: Vec<_> = listed.into_iter().filter_map(left).collect();
    let furthest = all.iter().fold(HashMap::new(), |mut furthest, left| {
        let progress = furthest.entry(left.record.run.clone()).or_insert(left.progress);
        *progress = left.progress.max(*progress);
        furthest
    });
    for left in &mut all {
        left.progress = furthest.get(&left.record.run).copied().unwrap_or(left.progress);
    }
    Ok(all)
}

async fn is_dead(docker: &Docker, side: &str, record: &Record, purpose: RunPurpose) -> Result<bool, TransportError> {
    if let Some(lives) = record.holder.as_ref().and_then(Holder::lives) {
        return Ok(!lives);
    }
    // The run is of another host or boot: its agent, and with it the container, ends within 30 s after it. A container that
    // was never started may be about to be: it is removed only on request.
    let side = find::look(docker, side).await?;
    let never_started = |side: &ContainerInfo| side.status() == Status::CREATED && purpose == RunPurpose::Recover;
    let has_ended = |side: &ContainerInfo| matches!(side.status(), Status::EXITED | Status::DEAD);
    Ok(side.is_none_or(|side| has_ended(&side) || never_started(&side)))
}

async fn mended(
    docker: &Docker,
    id: &str,
    mut record: Record,
    progress: Progress,
    is_whole: bool,
) -> Result<Vec<Recovered>, TransportError> {
    // None: it was removed after the list was made.
    let Some(side) = find::look(docker, id).await? else { return Ok(Vec::new()) };
    let container = |what: &str, done: &str| Recovered::new(format!("container {what}"), done);
    let mut done = Vec::new();
    // What still runs in it has no controller any more, and uses the data of what is about to start.
    end(docker, &[id.to_owned()]).await?;
    let mut there = Vec::new();
    // Its owner may have removed or stopped what was already back.
    let before = if progress == Progress::Returned { Vec::new() } else { record.before };
    for before in before {
        match find::look(docker, &before.id).await? {
            Some(_) => there.push(before),
            None => done.push(container(&before.name, "removed by someone else: nothing to restart")),
        }
    }
    record.before = there;
    let brought_back = record.bring_back(docker, progress).await?;
    let sentences = brought_back.iter().filter_map(|sentence| sentence.split_once(' '));
    done.extend(sentences.map(|(name, done)| container(name, done)));
    if !is_whole {
        return Ok(done);
    }
    remove(docker, id).await?;
    done.push(container(&side.name, "removed: left behind by a killed run"));
    Ok(done)
}

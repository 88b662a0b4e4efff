//! Containers that start while a run works on its data, seen in the engine's events, from before the stop until the final check.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{EventMessage, EventMessageTypeEnum as Type, MountPoint};
use bollard::query_parameters::{EventsOptions, EventsOptionsBuilder};
use futures::StreamExt;
use tokio::task::{JoinHandle, JoinSet};

use super::super::engine::failed;
use super::super::find;
use super::data::Data;
use super::record::Record;

/// What the user can do about it.
const HELP: &str = "find what starts it (a supervisor, a timer, docker compose), and pause that during the run";

/// A watch over every container that starts.
#[derive(Debug)]
pub(super) struct Watch {
    docker: Docker,
    seen: Arc<Seen>,
    since: String,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    containers: Mutex<BTreeMap<String, Container>>,
    /// Their mounts are being requested. The engine answers once a start is complete, so no event waits for that.
    asking: Mutex<JoinSet<()>>,
    /// Why the watch ended.
    ended: Mutex<Option<String>>,
}

#[derive(Debug, Clone, Default)]
struct Container {
    name: String,
    /// Labels, among others.
    attributes: HashMap<String, String>,
    is_started: bool,
    /// Its mounts; none if it was gone before they could be requested.
    mounts: Option<Vec<MountPoint>>,
    /// The volumes that the engine mounted for it.
    volumes: Vec<MountPoint>,
}

impl Watch {
    /// Begins to watch: every start after this returned is seen.
    ///
    /// # Errors
    /// If the engine does not answer.
    pub(super) async fn start(docker: &Docker) -> Result<Self, TransportError> {
        let since = now(docker).await?;
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(watched(docker.clone(), since.clone(), Arc::clone(&seen)));
        Ok(Self { docker: docker.clone(), seen, since, task })
    }

    /// Checks that no container that could write to the data, and none that was stopped for it, was started until now.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`], naming the container; [`TransportErrorKind::Lost`] if it cannot be known.
    pub(super) async fn must_have_seen_no_other(&self, data: &Data, record: &Record) -> Result<(), TransportError> {
        // Events up to now may not have arrived in the stream yet.
        let options = options(&self.since).until(&now(&self.docker).await?).build();
        if let Some(reason) = note_all(&self.docker, options, &self.seen).await {
            return Err(unknown(&reason));
        }
        let asking = std::mem::take(&mut *self.seen.asking.lock().unwrap_or_else(PoisonError::into_inner));
        asking.join_all().await;
        if let Some(reason) = &*self.seen.ended.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(unknown(reason));
        }
        let containers = self.seen.containers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (id, container) in containers.iter().filter(|(_, container)| container.is_started) {
            if data.is_of_this_run(Some(&container.attributes)) {
                continue;
            }
            let name = &container.name;
            let started = |why: &str| {
                let message = format!("the container {name} was started while the data was in use by this run{why}");
                Err(TransportError::new(TransportErrorKind::NotOwn, message).with_help(HELP))
            };
            if record.holds(id) {
                return started("");
            }
            let mounts = [container.mounts.as_deref().unwrap_or_default(), &container.volumes].concat();
            if let Some(volume) = data.shared(&self.docker, &mounts).await? {
                return started(&format!(", and can write to {volume}"));
            }
            if container.mounts.is_none() {
                return started(", and was removed before bahub could see whether it mounts the data");
            }
        }
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn unknown(reason: &str) -> TransportError {
    let message =
        format!("cannot confirm that the data was unused during the run: the engine's event stream ended ({reason})");
    TransportError::new(TransportErrorKind::Lost, message)
        .with_help("run the command again; docker events shows the same events")
}

/// The engine's own time, as its events want it: seconds, and nine digits behind the point.
async fn now(docker: &Docker) -> Result<String, TransportError> {
    let what = "cannot get the Docker Engine's time";
    let info = docker.info().await.map_err(failed(TransportErrorKind::Unreachable, what))?;
    let time = info.system_time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let time =
        time.ok_or_else(|| TransportError::new(TransportErrorKind::Unreachable, format!("{what}: none was returned")))?;
    Ok(format!("{}.{:09}", time.as_second(), time.subsec_nanosecond()))
}

fn options(since: &str) -> EventsOptionsBuilder {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let filters = HashMap::from([
        ("type".to_owned(), words(&["container", "volume"])),
        ("event".to_owned(), words(&["create", "mount", "start"])),
    ]);
    EventsOptionsBuilder::default().since(since).filters(&filters)
}

async fn watched(docker: Docker, since: String, seen: Arc<Seen>) {
    let reason = note_all(&docker, options(&since).build(), &seen).await;
    let reason = reason.unwrap_or_else(|| "the engine closed the connection".to_owned());
    *seen.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
}

/// Records events until there are no more; returns the reason if that is an error.
async fn note_all(docker: &Docker, options: EventsOptions, seen: &Arc<Seen>) -> Option<String> {
    let mut events = std::pin::pin!(docker.events(Some(options)));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => note(docker, event, seen),
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

fn note(docker: &Docker, event: EventMessage, seen: &Arc<Seen>) {
    let Some((actor, attributes)) = event.actor.and_then(|actor| Some((actor.id?, actor.attributes?))) else { return };
    let action = event.action.unwrap_or_default();
    match (event.typ, &*action) {
        (Some(Type::CONTAINER), "create" | "start") => {
            let mounts = seen.with(&actor, |container| {
                container.name = attributes.get("name").cloned().unwrap_or_else(|| actor.clone());
                container.attributes = attributes;
                container.is_started |= action == "start";
                container.mounts.clone()
            });
            // Immediately: it may soon be gone.
            if mounts.is_none() {
                let mut asking = seen.asking.lock().unwrap_or_else(PoisonError::into_inner);
                while asking.try_join_next().is_some() {}
                asking.spawn(ask(docker.clone(), actor, Arc::clone(seen)));
            }
        }
        (Some(Type::VOLUME), "mount") => {
            let Some(id) = attributes.get("container") else { return };
            let mount = MountPoint {
                typ: Some("volume".into()),
                name: Some(actor),
                rw: attributes.get("read/write").map(|writable| writable == "true"),
                ..MountPoint::default()
            };
            seen.with(id, |container| container.volumes.push(mount));
        }
        _ => {}
    }
}

async fn ask(docker: Docker, id: String, seen: Arc<Seen>) {
    if let Ok(Some(found)) = find::look(&docker, &id).await {
        let mounts = found.inspected.mounts.unwrap_or_default();
        seen.with(&id, |container| container.mounts = Some(mounts));
    }
}

impl Seen {
    fn with<T>(&self, id: &str, change: impl FnOnce(&mut Container) -> T) -> T {
        let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        change(containers.entry(id.to_owned()).or_default())
    }
}

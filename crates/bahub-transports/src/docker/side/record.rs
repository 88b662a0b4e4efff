//! What has to be restarted, recorded on the side container before anything is stopped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bahub_core::hex::is_hex;
use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{ContainerStateStatusEnum as Status, HealthStatusEnum};
use bollard::query_parameters::{StartContainerOptions, StopContainerOptionsBuilder};
use serde::{Deserialize, Serialize};

use super::super::engine::{failed, status};
use super::super::find::{self, ContainerInfo};
use crate::holder::Holder;

pub(super) const RUN: &str = "bahub.run";
const HOLDER: &str = "bahub.holder";
const BEFORE: &str = "bahub.before";
/// The longest wait for a stop.
const MAX_STOP: Duration = Duration::from_secs(3600);
/// How much longer than its timeout a stop may take.
const STOPS: Duration = Duration::from_secs(3);
/// How often the engine is asked whether a container has stopped.
const ASKED: Duration = Duration::from_millis(200);

/// The state of what a run stopped. Labels cannot be changed, so this is the suffix of the side container's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// It may be stopped.
    Held,
    /// It was down from the stop until now, and is being restarted.
    Returning,
    /// It is back: from now on only its owner controls it.
    Returned,
}

impl Progress {
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Held => "",
            Self::Returning => ".returning",
            Self::Returned => ".returned",
        }
    }

    /// The state in the name of a side container.
    pub(super) fn of(name: &str) -> Self {
        let is = |progress: &Self| name.ends_with(progress.suffix());
        [Self::Returned, Self::Returning].into_iter().find(is).unwrap_or(Self::Held)
    }
}

/// The containers that a run stops, in this order; the original is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) run: String,
    pub(super) holder: Option<Holder>,
    pub(super) before: Vec<Before>,
}

/// A container, and its previous state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) was: Was,
    /// When it was started, as the engine writes it.
    started: String,
    /// How long its stop may take, in seconds: an engine that was asked to stop it continues even if no client waits for that.
    patience: u64,
    /// Whether its health check failed already: then the run does not wait for it to become healthy.
    #[serde(default)]
    sick: bool,
}

/// The states that can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Was {
    Down,
    Running,
    Paused,
}

impl Before {
    /// # Errors
    /// [`TransportErrorKind::Refused`] if the container could not be brought back to what it is now.
    pub(super) fn of(found: &ContainerInfo, timeout: Option<u32>) -> Result<Self, TransportError> {
        let name = &found.name;
        let refused = |why: &str, help: &'static str| {
            let message = format!("the container {name} cannot be stopped and restarted: {why}");
            Err(TransportError::new(TransportErrorKind::Refused, message).with_help(help))
        };
        if found.inspected.host_config.as_ref().and_then(|host| host.auto_remove) == Some(true) {
            return refused(
                "the engine removes it when it stops (--rm)",
                "create it without --rm, or set `stop: false` if a copy of files in use is acceptable",
            );
        }
        let was = match found.status() {
            Status::RUNNING => Was::Running,
            Status::PAUSED => Was::Paused,
            Status::EXITED | Status::CREATED => Was::Down,
            other => {
                return refused(&format!("it is {other}"), "run it again when the container is running or stopped");
            }
        };
        let own = found.inspected.config.as_ref().and_then(|config| config.stop_timeout).unwrap_or(10);
        // With a negative value the engine waits for its end without a limit.
        let patience = timeout.map_or(u64::try_from(own).unwrap_or(MAX_STOP.as_secs()), u64::from);
        let sick = found.health() == Some(HealthStatusEnum::UNHEALTHY);
        Ok(Self { id: found.id.clone(), name: name.clone(), was, started: found.started(), patience, sick })
    }
}

impl Record {
    pub(super) fn labels(&self) -> HashMap<String, String> {
        let before = serde_json::to_string(&self.before).unwrap_or_default();
        let mut labels = HashMap::from([(RUN.to_owned(), self.run.clone()), (BEFORE.to_owned(), before)]);
        labels.extend(self.holder.as_ref().map(|holder| (HOLDER.to_owned(), holder.to_string())));
        labels
    }

    /// Parses the result of [`Self::labels`]; none if another program wrote the labels.
    pub(super) fn parse(labels: &HashMap<String, String>) -> Option<Self> {
        let before: Vec<Before> = serde_json::from_str(labels.get(BEFORE)?).ok()?;
        before.iter().all(|one| is_hex(&one.id, 64)).then_some(())?;
        let holder = labels.get(HOLDER).and_then(|holder| Holder::parse(holder));
        Some(Self { run: labels.get(RUN)?.clone(), holder, before })
    }

    /// Whether a container is one of these.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.before.iter().any(|before| before.id == id)
    }

    /// Whether anything has to be stopped.
    pub(super) fn stops(&self) -> bool {
        self.before.iter().any(|before| before.was != Was::Down)
    }

    /// # Errors
    /// [`TransportErrorKind::Refused`], naming the first container that has changed.
    pub(super) async fn must_be_unchanged(&self, docker: &Docker, timeout: Option<u32>) -> Result<(), TransportError> {
        for Before { id, name, was, started, .. } in &self.before {
            let now = Before::of(&find::inspect(docker, id).await?, timeout)?;
            if now.was != *was || now.started != *started {
                let message = format!("the state of the container {name} has changed since the run began");
                return Err(
                    TransportError::new(TransportErrorKind::Refused, message).with_help("run the command again")
                );
            }
        }
        Ok(())
    }

    /// Whether all are down, and have been since they were stopped.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`], naming the first container that was started meanwhile.
    pub(super) async fn must_be_down(&self, docker: &Docker) -> Result<(), TransportError> {
        for Before { id, name, started, .. } in &self.before {
            let meanwhile = match find::look(docker, id).await? {
                None => "removed",
                Some(found) if found.is_up() => "started",
                Some(found) if found.started() != *started => "started and stopped again",
                Some(_) => continue,
            };
            let message = format!("the container {name} was {meanwhile} while the data was in use by this run");
            let help =
                "find what starts or removes it (a supervisor, a timer, docker compose), and pause that during the run";
            return Err(TransportError::new(TransportErrorKind::NotOwn, message).with_help(help));
        }
        Ok(())
    }

    /// Stops everything, in order. If a later one fails, the stopped ones stay down: the caller restarts them.
    ///
    /// # Errors
    /// [`TransportErrorKind::Refused`], naming the container.
    pub(super) async fn stop(&self, docker: &Docker, timeout: Option<u32>) -> Result<(), TransportError> {
        for Before { id, name, was, .. } in &self.before {
            let what = format!("the container {name} cannot be stopped");
            if *was == Was::Down {
                continue;
            }
            // A paused one cannot end.
            if *was == Was::Paused {
                docker.unpause_container(id).await.map_err(failed(TransportErrorKind::Refused, what.clone()))?;
            }
            let mut options = StopContainerOptionsBuilder::default();
            if let Some(seconds) = timeout {
                options = options.t(i32::try_from(seconds).unwrap_or(i32::MAX));
            }
            // The engine answers when it is down, which may take longer than any other answer.
            let patient = docker.clone().with_timeout(MAX_STOP);
            patient
                .stop_container(id, Some(options.build()))
                .await
                .map_err(failed(TransportErrorKind::Refused, what))?;
            bahub_core::fault_point("side.stopped-one");
        }
        Ok(())
    }

    /// Restores everything to its previous state, in reverse order; harmless if nothing was stopped. Returns a sentence for
    /// each thing done. If a run had already begun to do so, what was started since then is left as it is.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`], naming the containers; the others are restored.
    pub(super) async fn bring_back(&self, docker: &Docker, progress: Progress) -> Result<Vec<String>, TransportError> {
        let (mut done, mut wrong) = (Vec::new(), None);
        for before in self.before.iter().rev() {
            match before.bring_back(docker, progress).await {
                Ok(what) => done.extend(what.map(|what| format!("{} {what}", before.name))),
                Err(error) => wrong = wrong.or(Some(error)),
            }
            bahub_core::fault_point("side.brought-back-one");
        }
        wrong.map_or(Ok(done), Err)
    }

    /// Waits until containers with a health check that were not unhealthy before are healthy; returns a sentence for each other.
    pub(super) async fn unhealthy(&self, docker: &Docker, patience: Duration) -> Vec<String> {
        let began = Instant::now();
        let mut sick = Vec::new();
        for before in self.before.iter().filter(|before| before.was == Was::Running && !before.sick) {
            loop {
                match find::inspect(docker, &before.id).await.ok().and_then(|found| found.health()) {
                    None | Some(HealthStatusEnum::HEALTHY | HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) => break,
                    Some(_) if began.elapsed() < patience => tokio::time::sleep(Duration::from_millis(500)).await,
                    Some(other) => {
                        let seconds = patience.as_secs();
                        sick.push(format!(
                            "the container {} was restarted, but is {other} after {seconds} s",
                            before.name
                        ));
                        break;
                    }
                }
            }
        }
        sick
    }
}

impl Before {
    async fn bring_back(&self, docker: &Docker, progress: Progress) -> Result<Option<&'static str>, TransportError> {
        let Self { id, name, was, .. } = self;
        if *was == Was::Down || progress == Progress::Returned {
            return Ok(None);
        }
        let help = format!("docker start {name}");
        let undone = |error: bollard::errors::Error| {
            failed(TransportErrorKind::Undo, format!("the container {name} could not be restarted"))(error)
                .with_help(help.clone())
        };
        let found = self.settled(docker).await?;
        match (was, found.is_up()) {
            (Was::Running, true) => return Ok(None),
            (_, true) if found.status() == Status::PAUSED => return Ok(None),
            (_, true) => {}
            // It was back, and was stopped again by its owner.
            (_, false) if progress == Progress::Returning && found.started() != self.started => return Ok(None),
            (_, false) => match docker.start_container(id, None::<StartContainerOptions>).await {
                // 304: it was started meanwhile.
                Err(error) if status(&error) != Some(304) => return Err(undone(error)),
                _ => {}
            },
        }
        if *was == Was::Paused {
            docker.pause_container(id).await.map_err(undone)?;
            return Ok(Some("started and paused again"));
        }
        Ok(Some("started again"))
    }

    /// The container, once no stop of it can be in progress any more.
    async fn settled(&self, docker: &Docker) -> Result<ContainerInfo, TransportError> {
        let until = Instant::now() + Duration::from_secs(self.patience) + STOPS;
        loop {
            let found = find::inspect(docker, &self.id).await.map_err(|error| {
                let message = format!("the container {} could not be restarted: {}", self.name, error.chain());
                TransportError::new(TransportErrorKind::Undo, message)
            })?;
            let may_stop = found.status() == Status::RUNNING && found.started() == self.started;
            if !may_stop || Instant::now() > until {
                return Ok(found);
            }
            tokio::time::sleep(ASKED).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_carry_the_record_and_nothing_foreign_is_taken_for_one() {
        let before = vec![Before {
            id: "a".repeat(64),
            name: "db".into(),
            was: Was::Paused,
            started: String::new(),
            patience: 1,
            sick: false,
        }];
        let record = Record { run: "r".into(), holder: Holder::this(), before };
        assert_eq!(Record::parse(&record.labels()), Some(record.clone()));
        let odd = Record { before: vec![Before { id: "../x".into(), ..record.before[0].clone() }], ..record };
        assert_eq!(Record::parse(&odd.labels()), None);
        assert_eq!(Record::parse(&HashMap::new()), None);
    }

    #[test]
    fn the_name_of_a_side_container_says_how_far_its_run_is() {
        for progress in [Progress::Held, Progress::Returning, Progress::Returned] {
            assert_eq!(Progress::of(&format!("bahub-a.returned-0123-0{}", progress.suffix())), progress);
        }
    }
}

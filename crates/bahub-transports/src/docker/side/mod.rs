//! A container beside another one, with its volumes, while the other one is down: cold backups, and restores of a service
//! that does not run.
//!
//! The side container's labels are the record of what has to be restarted. It is created first, then the original is
//! stopped; the original is up again before the side container is removed.

mod config;
mod data;
mod record;
mod recover;
mod session;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Recovered, Session, Transport, TransportError, TransportErrorKind};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt;

pub(super) use recover::recover;

pub use config::{Pull, PullPolicy, SideConfig};

use super::beside::{Beside, Like};
use super::engine::{self, failed, status};
use super::find::{self, ContainerInfo};
use super::identity::Orchestrator;
use crate::holder::Holder;
use data::Data;
use record::{Before, Record};
use session::{Side, Workload};

/// Runs commands in a container beside the one whose data is backed up or restored.
#[derive(Debug)]
pub struct SideContainer(SideConfig);

impl Component for SideContainer {
    const TYPE: &'static str = "bahub.transports.docker_sidecontainer";
    const ALIASES: &'static [&'static str] =
        &["sidedocker", "temporarydocker", "bahub.transports.sidedocker", "bahub.transports.temporarydocker"];
    const SUMMARY: &'static str =
        "A temporary container with the volumes of another one, which is stopped during the run";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = SideConfig;
    type Context = ();

    fn from_config(config: SideConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Ok(Self(config))
    }
}

#[async_trait]
impl Transport for SideContainer {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let Self(config) = self;
        let docker = engine::connect(config.docker_host.as_deref()).await?;
        let original = find::find(&docker, &config.orig_container).await?;
        let mut before = Vec::new();
        if config.stop {
            for name in &config.also_stop {
                add(&mut before, &find::find(&docker, name).await?, config.stop_timeout)?;
            }
            add(&mut before, &original, config.stop_timeout)?;
        }
        let record = Record { run: cx.id.clone(), holder: Holder::this(), before };
        recover::must_be_free(&docker, &record).await?;
        let data = Data::of(&original, &cx.required_paths, &cx.id);
        // Recovery of dead runs stops nothing.
        if config.stop && cx.purpose != RunPurpose::Recover {
            data.must_have_no_writer(&docker, &record).await?;
        }
        pull(&docker, &config.temp_container_image, config.pull.policy()).await?;
        let own_network = original.inspected.host_config.as_ref().and_then(|host| host.network_mode.clone());
        let manner = if cx.purpose == RunPurpose::Backup { "ro" } else { "rw" };
        let like = Like {
            image: config.temp_container_image.clone(),
            volumes_from: vec![format!("{}:{manner}", original.id)],
            network: config.network.clone().or(own_network),
            user: config.user.clone(),
            labels: record.labels(),
            name: format!("bahub-{}-{}", original.name, cx.id.get(..8).unwrap_or_default()),
            read_only: cx.purpose != RunPurpose::Backup,
            elsewhere: "use bahub.transports.docker for its other files, while it is running",
            ..Like::default()
        };
        bahub_core::fault_point("side.found");
        Ok(Box::new(Side {
            beside: Beside::new(docker.clone(), like, original)?,
            docker,
            record,
            data,
            stop_timeout: config.stop_timeout,
            wait_healthy: Duration::from_secs(config.wait_healthy),
            cx: cx.clone(),
            watch: None,
            workload: Workload::Untouched,
            is_down: Arc::default(),
        }))
    }

    async fn recover(&self, cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        recover(&engine::connect(self.0.docker_host.as_deref()).await?, cx.purpose).await
    }
}

/// # Errors
/// [`TransportErrorKind::Refused`] if a container is named twice, or could not be brought back;
/// [`TransportErrorKind::NotOwn`] if an orchestrator would start another one in its place.
fn add(before: &mut Vec<Before>, container: &ContainerInfo, timeout: Option<u32>) -> Result<(), TransportError> {
    if let Some(Orchestrator { role, way_out }) = container.labels().and_then(Orchestrator::of) {
        let message = format!("the container {} is {role}, which would replace it when it stops", container.name);
        let help = format!(
            "scale it down during the run ({way_out}), and set a stopped container with the same volumes \
             (docker create --volume ...) instead; or copy files in use with `stop: false`"
        );
        return Err(TransportError::new(TransportErrorKind::NotOwn, message).with_help(help));
    }
    let one = Before::of(container, timeout)?;
    if before.iter().any(|other| other.id == one.id) {
        let message = format!("the container {} is listed twice", one.name);
        let help = "list it only once, in `also_stop` or as the original";
        return Err(TransportError::new(TransportErrorKind::Refused, message).with_help(help));
    }
    before.push(one);
    Ok(())
}

/// The labels of a container that a run creates without stopping anything.
pub(super) fn labels(cx: &RunContext) -> HashMap<String, String> {
    Record { run: cx.id.clone(), holder: Holder::this(), before: Vec::new() }.labels()
}

async fn pull(docker: &bollard::Docker, image: &str, policy: PullPolicy) -> Result<(), TransportError> {
    let what = format!("the image {image} is not available");
    let is_there = match docker.inspect_image(image).await {
        Ok(_) => true,
        Err(error) if status(&error) == Some(404) => false,
        Err(error) => return Err(failed(TransportErrorKind::Unreachable, what)(error)),
    };
    match policy {
        PullPolicy::Missing if is_there => return Ok(()),
        // Creating the container reports that the image is missing, and how to get it.
        PullPolicy::Never => return Ok(()),
        PullPolicy::Missing | PullPolicy::Always => {}
    }
    // Without a tag the engine would pull all of them.
    let name = image.rsplit('/').next().unwrap_or(image);
    let tagged = if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") };
    let options = CreateImageOptionsBuilder::default().from_image(&tagged).build();
    let mut progress = docker.create_image(Some(options), None, None);
    while let Some(step) = progress.next().await {
        step.map_err(|error| {
            let help = "pull it manually, or set `pull: never` if it is already present";
            failed(TransportErrorKind::Unreachable, what.clone())(error).with_help(help)
        })?;
    }
    Ok(())
}

//! A container of a Docker Engine: programs are started in it by the engine's API, with the container's own environment
//! and network. No shell is needed there.

mod beside;
mod config;
mod coverage;
mod engine;
mod find;
mod identity;
mod inside;
mod kept_agent;
mod place;
mod side;
mod stdio;

use async_trait::async_trait;
use bahub_core::event::Event;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Recovered, Session, Transport, TransportError};

pub use config::{DockerConfig, Helper};
pub use side::{Pull, PullPolicy, SideConfig, SideContainer};

use beside::{Beside, Like};
use find::ContainerInfo;
use inside::Inside;

/// Runs commands in a container.
#[derive(Debug)]
pub struct Docker(DockerConfig);

impl Component for Docker {
    const TYPE: &'static str = "bahub.transports.docker";
    const SUMMARY: &'static str = "A running container of a Docker Engine";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = DockerConfig;
    type Context = ();

    fn from_config(config: DockerConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Ok(Self(config))
    }
}

#[async_trait]
impl Transport for Docker {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let Self(config) = self;
        let docker = engine::connect(config.docker_host.as_deref()).await?;
        let container = find::find(&docker, &config.container).await?;
        container.must_run()?;
        let needs_helper = match config.helper {
            Helper::Always => true,
            Helper::Auto => !place::has_place(&container),
            Helper::Never => false,
        };
        if needs_helper {
            let message = format!(
                "a helper container is used instead of {}: only the files on its volumes are available",
                container.name
            );
            cx.events.emit(Event::Notice { message });
            let like = self.helper_of(&container, cx);
            return Ok(Box::new(Beside::new(docker, like, container)?));
        }
        Ok(Box::new(Inside::new(docker, container, config)?))
    }

    async fn recover(&self, cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        side::recover(&engine::connect(self.0.docker_host.as_deref()).await?, cx.purpose).await
    }
}

impl Docker {
    /// A container to use instead of one that has no place for the agent: the same volumes, network, processes,
    /// environment and user.
    fn helper_of(&self, container: &ContainerInfo, cx: &RunContext) -> Like {
        let Self(config) = self;
        let own = container.inspected.config.as_ref();
        let theirs = format!("container:{}", container.id);
        Like {
            image: config.helper_image.clone().or_else(|| container.inspected.image.clone()).unwrap_or_default(),
            volumes_from: vec![container.id.clone()],
            network: Some(theirs.clone()),
            pid: Some(theirs),
            user: config.user.clone().or_else(|| own.and_then(|own| own.user.clone())),
            workdir: config.workdir.clone().or_else(|| own.and_then(|own| own.working_dir.clone())),
            env: own.and_then(|own| own.env.clone()).unwrap_or_default(),
            labels: side::labels(cx),
            name: format!("bahub-{}-{}", container.name, cx.id.get(..8).unwrap_or_default()),
            read_only: cx.purpose != RunPurpose::Backup,
            elsewhere: "to run in the container itself, give it a writable tmpfs or volume that allows execution and set `helper: never`",
        }
    }
}

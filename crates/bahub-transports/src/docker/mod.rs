//! A container of a Docker Engine: programs are started in it by the engine's API, with the container's own environment
//! and network. No shell is needed there.

mod config;
mod engine;
mod find;
mod inside;
mod place;
mod stdio;

use async_trait::async_trait;
use bahub_core::registry::{SpecError, TransportComponent};
use bahub_core::run::RunContext;
use bahub_core::transport::{Session, Transport, TransportError};

pub use config::{DockerConfig, Helper};

use inside::Inside;

/// Runs commands in a container.
#[derive(Debug)]
pub struct Docker(DockerConfig);

impl TransportComponent for Docker {
    const TYPE: &'static str = "bahub.transports.docker";
    const SUMMARY: &'static str = "A running container of a Docker Engine";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = DockerConfig;

    fn from_config(config: DockerConfig) -> Result<Self, Vec<SpecError>> {
        Ok(Self(config))
    }
}

#[async_trait]
impl Transport for Docker {
    async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let Self(config) = self;
        let docker = engine::connect(config.docker_host.as_deref()).await?;
        let container = find::find(&docker, &config.container).await?;
        container.must_run()?;
        Ok(Box::new(Inside::new(docker, container, config.user.clone(), config.workdir.clone())?))
    }
}

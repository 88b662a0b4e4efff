//! The host that bahub itself runs on: programs are started without a shell, with this process's rights.

mod config;
mod folder;
mod group;
mod session;

pub use config::ShConfig;

use async_trait::async_trait;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::RunContext;
use bahub_core::transport::{Session, Transport, TransportError};

use session::ShSession;

/// Runs commands on this host.
#[derive(Debug)]
pub struct Sh;

impl Component for Sh {
    const TYPE: &'static str = "bahub.transports.sh";
    const SUMMARY: &'static str = "This host: commands run here, as the user that runs bahub";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = ShConfig;
    type Context = ();

    fn from_config(ShConfig {}: ShConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Ok(Self)
    }
}

#[async_trait]
impl Transport for Sh {
    async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(ShSession::default()))
    }

    fn is_here(&self) -> bool {
        true
    }
}

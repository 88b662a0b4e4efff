//! A host reached by OpenSSH's own client: the user's configuration, agent and known hosts apply.
//!
//! One master connection per session (`ControlMaster`), and every program is a channel of it. See `docs/transports/ssh.md`.

mod client;
mod config;
mod control;
mod failure;
mod folder;
mod line;
mod master;
mod options;
mod process;
mod session;
mod shell;
mod target;

pub use config::{JumpConfig, SshConfig, SudoConfig, SudoPassword};

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::RunContext;
use bahub_core::transport::{Recovered, Session, Transport, TransportError};

use session::SshSession;
use target::Target;

/// Runs commands on a host over `ssh`.
#[derive(Debug)]
pub struct Ssh {
    target: Arc<Target>,
}

impl Component for Ssh {
    const TYPE: &'static str = "bahub.transports.ssh";
    const SUMMARY: &'static str = "A host reached with the OpenSSH client, using the user's own configuration and keys";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = SshConfig;
    type Context = ();

    fn from_config(config: SshConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        Target::parse(config).map(|target| Self { target: Arc::new(target) })
    }
}

#[async_trait]
impl Transport for Ssh {
    /// Connects; nothing is written on the remote host.
    ///
    /// # Errors
    /// [`Unreachable`](bahub_core::transport::TransportErrorKind::Unreachable) if the host is unknown or does not answer,
    /// or there is no `ssh`; [`Refused`](bahub_core::transport::TransportErrorKind::Refused) if the host's key is unknown
    /// or has changed, or the host rejects the user.
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(SshSession::open(Arc::clone(&self.target), &cx.id).await?))
    }

    /// Ends ssh masters whose controller was killed. Programs on the remote host then read the end of their input.
    async fn recover(&self, _cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        control::sweep().await
    }
}

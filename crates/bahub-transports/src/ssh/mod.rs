//! A host that OpenSSH's own client reaches: the user's configuration, agent and known hosts apply.
//!
//! One master connection a session (`ControlMaster`), and every program is a channel of it. See `docs/transports/ssh.md`.

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

/// Runs commands on a host that is reached by `ssh`.
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
    /// Connects; nothing is written on the far host.
    ///
    /// # Errors
    /// [`Unreachable`](bahub_core::transport::TransportErrorKind::Unreachable) where there is no such host, nobody who
    /// answers, or no `ssh`; [`Refused`](bahub_core::transport::TransportErrorKind::Refused) where the host's key is
    /// unknown or another one, or the host does not let the user in.
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        Ok(Box::new(SshSession::open(Arc::clone(&self.target), &cx.id).await?))
    }

    /// Ends ssh masters whose controller was killed. What runs on the far host then reads the end of its input.
    async fn recover(&self, _cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        control::sweep().await
    }
}

//! The transport: which process to use, and how its namespaces are opened.

use std::path::PathBuf;

use async_trait::async_trait;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::RunContext;
use bahub_core::transport::{Session, Transport, TransportError};
use bahub_transports::sh::Sh;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::inside::Inside;
use crate::target::{Named, Target};

/// Whose namespaces: one of the two fields.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamespacesConfig {
    /// The number of a process of this host.
    #[serde(default)]
    pub pid: Option<u32>,
    /// A file of this host in which that number stands; it is read at the start of each run.
    #[serde(default)]
    pub pid_file: Option<PathBuf>,
}

/// Runs commands in the namespaces of a process of this host, by `nsenter`.
#[derive(Debug)]
pub struct Namespaces {
    named: Named,
}

impl Component for Namespaces {
    const TYPE: &'static str = "acme.transports.namespaces";
    const SUMMARY: &'static str = "The namespaces of a process of this host, by nsenter";
    const EXAMPLE: &'static str =
        "# A file with the number of the process; or the number itself: `pid: 4711`.\npid_file: /run/shop.pid\n";
    type Config = NamespacesConfig;
    type Context = ();

    fn from_config(config: NamespacesConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let named = match config {
            NamespacesConfig { pid: Some(pid), pid_file: None } if pid > 0 => Named::Pid(pid),
            NamespacesConfig { pid: None, pid_file: Some(file) } => Named::File(file),
            _ => return Err(vec![SpecError::new("", "one of `pid` (1 or more) and `pid_file` has to be set")]),
        };
        Ok(Self { named })
    }
}

#[async_trait]
impl Transport for Namespaces {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let target = Target::find(&self.named)?;
        // nsenter is a program of this host: the transport `sh` starts it, and ends it with all that it started.
        let here = Sh.open(cx).await?;
        Ok(Box::new(Inside::enter(here, target).await?))
    }
}

//! Pods of a Kubernetes cluster: programs are started in a container by the API server's `exec`, over WebSocket.

mod client;
mod config;
mod container;
mod exec;
mod failure;
mod find;
mod folder;
mod instance;
mod kill;
mod session;
mod side;
mod state;
mod stdio;

use std::time::Duration;

use async_trait::async_trait;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::RunContext;
use bahub_core::transport::{Session, Transport, TransportError};

pub use config::{PodChoice, PodExecConfig};
pub use side::{Resources, SidePod, SidePodConfig};

use client::{Access, Cluster};
use find::Wanted;
use session::InPod;

/// Runs commands in a container of the application's own pod.
#[derive(Debug)]
pub struct PodExec {
    access: Access,
    wanted: Wanted,
    timeout: Duration,
}

impl Component for PodExec {
    const TYPE: &'static str = "bahub.transports.kubernetes_podexec";
    const SUMMARY: &'static str = "A container of a running pod of a Kubernetes cluster";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = PodExecConfig;
    type Context = ();

    fn from_config(config: PodExecConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let PodExecConfig { namespace, selector, container, pod, timeout, kubeconfig, context } = config;
        let wrong = config::check(&namespace, &selector, timeout);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let wanted =
            Wanted { namespace, selector, container, is_one_container: true, pod, paths: Vec::new(), version_of: None };
        Ok(Self { access: Access { kubeconfig, context }, wanted, timeout: Duration::from_secs(timeout) })
    }
}

#[async_trait]
impl Transport for PodExec {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let cluster = Cluster::connect(&self.access, self.timeout, &cx.events).await?;
        let (paths, version_of) = (cx.required_paths.clone(), cx.version_of.clone());
        let wanted = Wanted { paths, version_of, ..self.wanted.clone() };
        let pod = find::pod(&cluster, &wanted, self.timeout).await?;
        let container = find::container(&cluster, &wanted, &pod)?;
        let identity =
            find::instance_of(&pod, &wanted).identity(&pod, Some(&container.container)).with("engine", &cluster.id);
        bahub_core::fault_point("pod.found");
        Ok(Box::new(InPod::new(cluster, container, identity)?))
    }
}

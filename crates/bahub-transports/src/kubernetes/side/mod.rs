//! A temporary pod beside another one, with its volumes, while the other one may be scaled down: cold backups, and restores
//! of a service that does not run.
//!
//! A lease is created first: it names what the run may change. Then the side pod is created, as a job that the cluster
//! itself ends and removes. Only when an agent runs in it is the workload scaled to 0; its original number is recorded on
//! it. As soon as a backup has read the last byte the workload is scaled back, and the side pod continues with what it has
//! read. Afterwards the side pod is removed, what is still down is scaled back, and the lease is removed last.

mod claims;
mod clock;
mod config;
mod expand;
mod job;
mod lease;
mod name;
mod owner;
mod pod;
mod quiet;
mod recover;
mod scale;
mod session;
mod settle;
#[cfg(test)]
mod tests;
mod volumes;
mod witness;
mod workload;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::event::Event;
use bahub_core::registry::{Component, SpecError};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Recovered, Session, Transport, TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::{Container, Pod};

pub use config::{Resources, SidePodConfig};

use super::client::{Access, Cluster};
use super::config::check;
use super::find::{self, Wanted};
use super::instance::Instance;
use super::state;
use claims::Claims;
use job::Likeness;
use lease::Record;
use quiet::Quiet;
use scale::Scaling;
use session::{Down, Side};
use volumes::Mounts;

/// How long the cluster may not answer: its API may restart in the middle of a run.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs commands in a temporary pod beside the one whose data is backed up or restored.
#[derive(Debug)]
pub struct SidePod(SidePodConfig);

impl Component for SidePod {
    const TYPE: &'static str = "bahub.transports.kubernetes_sidepod";
    const SUMMARY: &'static str =
        "A temporary pod with the volumes of another one, which can be scaled down during the run";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = SidePodConfig;
    type Context = ();

    fn from_config(config: SidePodConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let wrong = check(&config.namespace, &config.selector, config.timeout);
        if wrong.is_empty() { Ok(Self(config)) } else { Err(wrong) }
    }
}

#[async_trait]
impl Transport for SidePod {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let cluster = self.cluster(cx).await?;
        let wanted = self.wanted(cx);
        let pod = self.original(&cluster, &wanted, cx).await?;
        let instance = find::instance_of(&pod, &wanted);
        // From here on something may have to be scaled back, however short the wait for pods is.
        let side = self.plan(&cluster.patient(PATIENCE), &pod, &instance, cx).await?;
        bahub_core::fault_point("pod.found");
        Ok(Box::new(side))
    }

    async fn recover(&self, cx: &RunContext) -> Result<Vec<Recovered>, TransportError> {
        recover::recover(&self.cluster(cx).await?, &self.0.namespace, &self.0.selector, cx).await
    }
}

impl SidePod {
    async fn cluster(&self, cx: &RunContext) -> Result<Cluster, TransportError> {
        let access = Access { kubeconfig: self.0.kubeconfig.clone(), context: self.0.context.clone() };
        Cluster::connect(&access, self.patience().min(PATIENCE), &cx.events).await
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.0.timeout)
    }

    async fn original(&self, cluster: &Cluster, wanted: &Wanted, cx: &RunContext) -> Result<Pod, TransportError> {
        // If another run has scaled them down, there are no pods to wait for.
        recover::must_be_free(cluster, &wanted.namespace, &wanted.selector).await?;
        tokio::select! {
            found = find::pod(cluster, wanted, self.patience()) => found,
            () = cx.cancel.cancelled() => Err(cancelled()),
        }
    }

    fn wanted(&self, cx: &RunContext) -> Wanted {
        let SidePodConfig { namespace, selector, container, pod, .. } = self.0.clone();
        let (paths, version_of) = (cx.required_paths.clone(), cx.version_of.clone());
        Wanted { namespace, selector, container, is_one_container: false, pod, paths, version_of }
    }

    /// All checks are done here, before anything is changed.
    async fn plan(
        &self,
        cluster: &Cluster,
        pod: &Pod,
        instance: &Instance,
        cx: &RunContext,
    ) -> Result<Side, TransportError> {
        let Self(config) = self;
        let (writable, containers) = (cx.purpose != RunPurpose::Backup, self.containers(cluster, pod)?);
        let mounts = Mounts::of(pod, &containers)?;
        let shared = mounts.shared(writable);
        let claims = Claims::of(cluster, &config.namespace, &shared.volumes).await?;
        let first = claims.of_one_pod(&shared.volumes).map(str::to_owned);
        let name = name::of(state::name(pod), &config.pod_suffix, &cx.id);
        let down = match config.scale_down {
            true => Some(self.down(cluster, pod, instance, &name, first.is_some(), cx).await?),
            false => None,
        };
        if let (Some(claim), None) = (&first, &down) {
            let message =
                format!("the claim {claim} is ReadWriteOncePod: no other pod can use it while the original does");
            return Err(TransportError::new(TransportErrorKind::Refused, message).with_help("set `scaleDown: true`"));
        }
        for message in shared.notices.clone() {
            cx.events.emit(Event::Notice { message });
        }
        let container = containers.first().copied().ok_or_else(|| {
            TransportError::new(TransportErrorKind::Refused, format!("the pod {} has no container", state::name(pod)))
        })?;
        let (run, backup, original) = (&*cx.id, &*cx.backup, pod);
        let likeness =
            Likeness { original, container, shared, claims: &claims, config, name: &name, run, backup, writable };
        let workload = down.as_ref().map(|down| down.owner.workload.clone());
        let replicas = down.as_ref().map(|down| down.replicas);
        Ok(Side {
            cluster: cluster.clone(),
            job: job::job(likeness),
            record: Record::new(&name, run, backup, &config.selector, workload.zip(replicas)),
            identity: instance.identity(pod, config.container.as_deref()).with("engine", &cluster.id),
            mounts,
            writable,
            down,
            witness: None,
            back: None,
            patience: self.patience(),
            cx: cx.clone(),
            pod: None,
            is_begun: false,
            changing: Arc::default(),
            closed: Arc::new(AtomicBool::new(false)),
        })
    }

    /// The containers whose mounts count; the first also provides the security context.
    fn containers<'a>(&self, cluster: &Cluster, pod: &'a Pod) -> Result<Vec<&'a Container>, TransportError> {
        let all: Vec<_> = pod.spec.iter().flat_map(|spec| &spec.containers).collect();
        let Some(named) = &self.0.container else { return Ok(all) };
        let found: Vec<_> = all.iter().copied().filter(|container| container.name == *named).collect();
        if found.is_empty() {
            let names: Vec<_> = all.iter().map(|container| &*container.name).collect();
            let message = format!("the pod {} has no container {named}; it has {}", state::name(pod), names.join(", "));
            let look = cluster.kubectl(&self.0.namespace, &format!("describe pod {}", state::name(pod)));
            return Err(TransportError::new(TransportErrorKind::Unreachable, message).with_help(look));
        }
        Ok(found)
    }

    async fn down(
        &self,
        cluster: &Cluster,
        pod: &Pod,
        instance: &Instance,
        lease: &str,
        first: bool,
        cx: &RunContext,
    ) -> Result<Down, TransportError> {
        let owner = owner::of(cluster, &self.0.namespace, pod).await?;
        owner::mind_autoscalers(cluster, &owner.workload, cx).await?;
        let (run, workload) = (cx.id.clone(), owner.workload.clone());
        let (lease, was) = (lease.to_owned(), Arc::default());
        let mut quiet = Quiet::new(cluster, &workload, &run, &instance.data);
        let scaling = Scaling { cluster: cluster.clone(), workload, run, lease, was, downtime: cx.downtime.clone() };
        let replicas = scaling.can_go_down().await?;
        quiet.must_be_alone().await?;
        let is_abrupt = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds) == Some(0);
        let wait_ready = Duration::from_secs(self.0.wait_ready);
        Ok(Down { scaling, owner, quiet, replicas, wait_ready, first, is_abrupt, is_done: false })
    }
}

/// The user cancelled the run during a wait.
fn cancelled() -> TransportError {
    TransportError::new(TransportErrorKind::Cancelled, "the run was cancelled")
}

/// The same error, as a failed undo.
fn undone(error: TransportError) -> TransportError {
    let help = error.help().cloned();
    TransportError::new(TransportErrorKind::Undo, error.chain()).with_help_opt(help)
}

//! What recreates a pod: its owner references, up to the one that can be scaled.

use std::collections::BTreeMap;

use bahub_core::event::Event;
use bahub_core::run::RunContext;
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::autoscaling::v1::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Api;
use kube::api::ListParams;
use kube::core::DynamicObject;

use super::super::client::Cluster;
use super::workload::{self, Workload};

/// No pod has more levels of owners than this.
const HIGHEST: usize = 8;

/// What scales a pod, and what may interfere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) workload: Workload,
    /// Its owner that cannot be scaled: an operator's resource, which may scale it itself.
    pub(super) above: Option<String>,
}

fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// The highest scalable owner of a pod: it would scale back anything below it.
///
/// # Errors
/// [`TransportErrorKind::Refused`], with the reason, if none of its owners can be scaled.
pub(super) async fn of(cluster: &Cluster, namespace: &str, pod: &Pod) -> Result<Owner, TransportError> {
    let mut found: Option<Workload> = None;
    let mut next = controller(&pod.metadata).cloned();
    for _ in 0..HIGHEST {
        let Some(owner) = next else { break };
        let kind = match workload::kind_of(cluster, &owner).await {
            Ok(kind) => kind,
            // It can be scaled whatever its owner is.
            Err(_) if found.is_some() => return topped(found, &owner),
            Err(error) => return Err(error),
        };
        if !kind.has_scale {
            return topped(found, &owner);
        }
        let workload = workload::named(&owner, &kind, namespace);
        let object = look(cluster, &workload).await?;
        let is_it = object.as_ref().is_some_and(|object| workload.is(object));
        next = object.as_ref().and_then(|object| controller(&object.metadata)).cloned();
        if !is_it {
            let message = format!("the pod's workload {workload} is being replaced");
            return Err(TransportError::new(TransportErrorKind::Refused, message).with_help("try again in a moment"));
        }
        found = Some(workload);
    }
    found.map(|workload| Owner { workload, above: None }).ok_or_else(|| bare(pod))
}

/// The workload found below an owner that cannot be scaled.
fn topped(found: Option<Workload>, above: &OwnerReference) -> Result<Owner, TransportError> {
    let name = format!("{} {}", above.kind.to_lowercase(), above.name);
    found.map(|workload| Owner { workload, above: Some(name) }).ok_or_else(|| unscalable(above))
}

async fn look(cluster: &Cluster, workload: &Workload) -> Result<Option<DynamicObject>, TransportError> {
    let api = workload.api(cluster)?;
    cluster.look(&format!("{workload} cannot be read"), async || api.get(&workload.name).await).await
}

const WITHOUT: &str = "remove `scaleDown` if a copy of files in use is acceptable";

fn bare(pod: &Pod) -> TransportError {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let message = format!("the pod {name} cannot be scaled down: it has no controller that would recreate it");
    TransportError::new(TransportErrorKind::Refused, message)
        .with_help(format!("run it with a Deployment, or {WITHOUT}"))
}

fn unscalable(owner: &OwnerReference) -> TransportError {
    let OwnerReference { kind, name, .. } = owner;
    let why = match kind.as_str() {
        "DaemonSet" => "a DaemonSet has a pod on every node and no number of replicas",
        "Job" | "CronJob" => "a Job runs to its end, and stopping it would lose its work",
        _ => "its kind has no `scale`",
    };
    let message = format!("{} {name} cannot be scaled down: {why}", kind.to_lowercase());
    TransportError::new(TransportErrorKind::Refused, message).with_help(WITHOUT)
}

/// An autoscaler ignores a workload at 0, and resumes when it is not; one that may scale to 0 itself does not.
///
/// # Errors
/// [`TransportErrorKind::Refused`] if one would bring pods back in the middle of the work.
pub(super) async fn mind_autoscalers(
    cluster: &Cluster,
    workload: &Workload,
    cx: &RunContext,
) -> Result<(), TransportError> {
    let namespace = &workload.namespace;
    let api: Api<HorizontalPodAutoscaler> = cluster.api(namespace);
    let what = format!("the autoscalers of the namespace {namespace} cannot be listed");
    let all = cluster.ask(&what, async || api.list(&ListParams::default()).await).await?;
    let group = |version: &str| version.split_once('/').map_or("", |(group, _)| group).to_owned();
    for autoscaler in all {
        let Some(spec) = autoscaler.spec.filter(|spec| {
            let target = &spec.scale_target_ref;
            let version = target.api_version.as_deref().unwrap_or_default();
            target.kind == workload.kind
                && target.name == workload.name
                && group(version) == group(&workload.api_version)
        }) else {
            continue;
        };
        let name = autoscaler.metadata.name.unwrap_or_default();
        if spec.min_replicas == Some(0) {
            let message = format!("{workload} cannot be scaled down: the autoscaler {name} may scale it up from 0");
            let help = "set its minReplicas to 1 or more: then it does not change a workload at 0";
            return Err(TransportError::new(TransportErrorKind::Refused, message).with_help(help));
        }
        let message = format!("the autoscaler {name} is inactive while {workload} is scaled to 0");
        cx.events.emit(Event::Notice { message });
    }
    Ok(())
}

/// Finds which pods belong to a workload, directly or through other owners.
pub(super) struct Belonging<'a> {
    cluster: &'a Cluster,
    workload: &'a Workload,
    known: BTreeMap<String, bool>,
}

impl<'a> Belonging<'a> {
    pub(super) fn new(cluster: &'a Cluster, workload: &'a Workload) -> Self {
        Self { cluster, workload, known: BTreeMap::from([(workload.uid.clone(), true)]) }
    }

    /// Whether the pod belongs to it. One whose owner is gone may, so it counts.
    ///
    /// # Errors
    /// If an owner cannot be read.
    pub(super) async fn has(&mut self, pod: &Pod) -> Result<bool, TransportError> {
        let (mut passed, mut next) = (Vec::new(), controller(&pod.metadata).cloned());
        let mut belongs = false;
        for _ in 0..HIGHEST {
            let Some(owner) = next else { break };
            if let Some(&known) = self.known.get(&owner.uid) {
                belongs = known;
                break;
            }
            passed.push(owner.uid.clone());
            let kind = workload::kind_of(self.cluster, &owner).await?;
            if !kind.has_scale {
                break;
            }
            let between = workload::named(&owner, &kind, &self.workload.namespace);
            let object = look(self.cluster, &between).await?;
            let Some(object) = object.filter(|object| between.is(object)) else {
                belongs = true;
                break;
            };
            next = controller(&object.metadata).cloned();
        }
        self.known.extend(passed.into_iter().map(|uid| (uid, belongs)));
        Ok(belongs)
    }
}

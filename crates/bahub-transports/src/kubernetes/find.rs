//! The selected pod, and its container.

use std::time::Duration;

use bahub_core::instance::{Identity, InstanceKind};
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use tokio::time::{Instant, sleep};

use super::client::Cluster;
use super::config::{PodChoice, WORDS};
use super::container::ContainerRef;
use super::instance::{self, Data, Instance, workload_of};
use super::state::{self, name};

/// How often pods are polled.
const LOOK: Duration = Duration::from_millis(500);
/// How long there may be no pod at all: one that is being replaced is missing for a moment, a mistyped one for ever.
const NONE: Duration = Duration::from_secs(10);
/// The annotation that names the container which `kubectl exec` takes.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Which pod and container to use.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) namespace: String,
    pub(super) selector: String,
    pub(super) container: Option<String>,
    /// Whether to use one container even if none is named: the pod's default.
    pub(super) is_one_container: bool,
    pub(super) pod: PodChoice,
    /// The paths that are read or written: their volumes distinguish pods with the same data from others.
    pub(super) paths: Vec<String>,
    /// The instance from which the restored version was made.
    pub(super) version_of: Option<Identity>,
}

/// Waits at most `patience` for the selected pod to be ready.
///
/// # Errors
/// [`TransportErrorKind::NotOwn`] if several pods with their own data match, and none is named, or only one may match;
/// [`TransportErrorKind::Unreachable`] if none matches, or none gets ready; with the command of `kubectl` that shows it.
pub(super) async fn pod(cluster: &Cluster, wanted: &Wanted, patience: Duration) -> Result<Pod, TransportError> {
    let began = Instant::now();
    loop {
        let mut pods = list(cluster, wanted).await?;
        pods.sort_by(|one, other| {
            let created = |pod: &Pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created(one), name(one)).cmp(&(created(other), name(other)))
        });
        let (over, alive): (Vec<_>, Vec<_>) = pods.into_iter().partition(state::is_over);
        let target = Target::of(wanted, &alive);
        let found = target.among(&alive, wanted).map_err(|several| several.error(cluster, wanted))?;
        let leaving = over.iter().filter(|pod| !state::has_ended(pod));
        let leaving = leaving.filter(|pod| !instance_of(pod, wanted).goes_with_its_pod());
        let with_leaving: Vec<_> = alive.iter().chain(leaving).filter(|pod| target.allows(pod)).collect();
        // A pod that is being replaced is about to be there again: what it alone has is missing only for a moment.
        let is_in_doubt = target.refuses(&with_leaving, wanted);
        if let Some(found) = found.filter(|pod| state::is_ready(pod) && !is_in_doubt) {
            return Ok(found.clone());
        }
        let replaced = over.iter().rev().find(|pod| target.allows(pod));
        let limit = if found.is_none() && replaced.is_none() { patience.min(NONE) } else { patience };
        if began.elapsed() >= limit {
            if is_in_doubt {
                return Err(Several(with_leaving).error(cluster, wanted));
            }
            return Err(match found.or(replaced) {
                Some(pod) => unready(cluster, wanted, pod, patience),
                None if alive.is_empty() => none(cluster, wanted),
                None => target.absent(cluster, wanted, &alive),
            });
        }
        sleep(LOOK).await;
    }
}

async fn list(cluster: &Cluster, wanted: &Wanted) -> Result<Vec<Pod>, TransportError> {
    let Wanted { namespace, selector, .. } = wanted;
    let (pods, matching) = (cluster.api::<Pod>(namespace), ListParams::default().labels(selector));
    let what = format!("the pods of the namespace {namespace} cannot be listed");
    Ok(cluster.ask(&what, || pods.list(&matching)).await?.items)
}

/// Which pods qualify.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// Any of them, in the configured order.
    Any,
    /// The one of this name.
    Named(String),
    /// Those whose names end in this ordinal.
    Ordinal(u32),
    /// The one from which the restored version was made.
    OfVersion(String),
}

/// Pods of several instances, one of which has to be named; from the oldest to the newest, then those that are being removed.
struct Several<'a>(Vec<&'a Pod>);

impl Target {
    fn of(wanted: &Wanted, alive: &[Pod]) -> Self {
        match &wanted.pod {
            PodChoice::Named(name) => Self::Named(name.clone()),
            PodChoice::Ordinal(ordinal) => Self::Ordinal(*ordinal),
            _ => Self::of_version(wanted, alive).map_or(Self::Any, Self::OfVersion),
        }
    }

    /// The pod that the version names, if such a pod exists or should exist.
    fn of_version(wanted: &Wanted, alive: &[Pod]) -> Option<String> {
        let version_of = wanted.version_of.as_ref().filter(|of| of.kind == InstanceKind::Pod)?;
        let named = version_of.details.get("pod")?;
        let is_expected = |pod: &Pod| name(pod) == named || workload_of(pod).to_string() == version_of.workload;
        alive.iter().any(is_expected).then(|| named.clone())
    }

    /// Whether these pods are too many, because nothing says which of them is meant.
    fn refuses(&self, allowed: &[&Pod], wanted: &Wanted) -> bool {
        match (self, &wanted.pod) {
            (Self::Any, PodChoice::Oldest | PodChoice::Newest) | (Self::Named(_) | Self::OfVersion(_), _) => false,
            (Self::Any, _) => are_several(allowed, wanted),
            (Self::Ordinal(_), _) => allowed.len() > 1,
        }
    }

    fn allows(&self, pod: &Pod) -> bool {
        match self {
            Self::Any => true,
            Self::Named(named) | Self::OfVersion(named) => name(pod) == named,
            Self::Ordinal(ordinal) => name(pod).rsplit_once('-').is_some_and(|(_, last)| last == ordinal.to_string()),
        }
    }

    /// The selected pod, of pods from the oldest to the newest; none if it does not exist.
    fn among<'a>(&self, alive: &'a [Pod], wanted: &Wanted) -> Result<Option<&'a Pod>, Several<'a>> {
        let allowed: Vec<_> = alive.iter().filter(|pod| self.allows(pod)).collect();
        let (first, last) = (allowed.first().copied(), allowed.last().copied());
        match (self, &wanted.pod) {
            (Self::Any, PodChoice::Oldest) => Ok(first),
            (Self::Any, PodChoice::Newest) => Ok(last),
            (Self::Any, PodChoice::AllMustMatchOne) if allowed.len() > 1 => Err(Several(allowed)),
            _ if self.refuses(&allowed, wanted) => Err(Several(allowed)),
            _ => Ok(allowed.iter().copied().find(|pod| state::is_ready(pod)).or(first)),
        }
    }

    /// The named pod does not exist, but others do.
    fn absent(&self, cluster: &Cluster, wanted: &Wanted, alive: &[Pod]) -> TransportError {
        let Wanted { namespace, selector, .. } = wanted;
        let names = alive.iter().map(name).collect::<Vec<_>>().join(", ");
        let message = match self {
            Self::OfVersion(pod) => {
                let message = format!(
                    "the version is a backup of the pod {pod}, which does not exist in the namespace {namespace}; it has {names}"
                );
                let help = "recreate that pod; or set `pod` of the transport to the pod to restore to";
                return TransportError::new(TransportErrorKind::NotOwn, message).with_help(help);
            }
            Self::Ordinal(ordinal) => format!("with the ordinal {ordinal}"),
            Self::Named(named) => format!("called {named}"),
            Self::Any => "to use".to_owned(),
        };
        let message = format!(
            "there is no pod {message} in the namespace {namespace} with the labels {selector}; found: {names}"
        );
        let help = format!(
            "set `pod` to a pod's name or ordinal, or one of {WORDS}: {}",
            cluster.kubectl(namespace, &format!("get pods -l '{selector}'"))
        );
        TransportError::new(TransportErrorKind::Unreachable, message).with_help(help)
    }
}

/// The instance to which a pod belongs.
pub(super) fn instance_of(pod: &Pod, wanted: &Wanted) -> Instance {
    let named = wanted.container.as_deref().or_else(|| default_container(pod).filter(|_| wanted.is_one_container));
    Instance::of(pod, &instance::containers(pod, named), &wanted.paths)
}

fn are_several(pods: &[&Pod], wanted: &Wanted) -> bool {
    // What is made on a node is not there before a pod has one; claims are.
    let is_made_there = |data: &Data| matches!(data, Data::HostPath { .. } | Data::OfPod(_));
    let has_node = |pod: &Pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let instances = pods.iter().map(|pod| (has_node(pod), instance_of(pod, wanted)));
    let mut instances = instances.filter(|(placed, instance)| *placed || !instance.data.iter().any(is_made_there));
    instances.next().is_some_and(|(_, first)| instances.any(|(_, other)| other != first))
}

impl Several<'_> {
    fn error(&self, cluster: &Cluster, wanted: &Wanted) -> TransportError {
        let Wanted { namespace, selector, .. } = wanted;
        let data = |pod: &Pod| instance_of(pod, wanted).data.iter().map(Data::to_string).collect::<Vec<_>>().join(", ");
        let shown = |pod: &Pod| match data(pod) {
            data if data.is_empty() || data.contains("own files") => workload_of(pod).to_string(),
            data => format!("{}, {data}", workload_of(pod)),
        };
        let is_leaving = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        let leaving = |pod: &Pod| if is_leaving(pod) { ", being removed" } else { "" };
        let listed = self.0.iter().map(|pod| format!("{} ({}{})", name(pod), shown(pod), leaving(pod)));
        let listed: Vec<_> = listed.collect();
        let problem = match are_several(&self.0, wanted) {
            true => "do not have the same data",
            false => "match, but only one is expected",
        };
        let message = format!(
            "{} pods of the namespace {namespace} with the labels {selector} {problem}: {}",
            listed.len(),
            listed.join("; ")
        );
        let example = self.0.first().map(|pod| name(pod)).unwrap_or_default();
        let help = format!(
            "choose one: `pod: {example}`, its ordinal in a StatefulSet, or labels that only it has; to back up several, define a transport for each: {}",
            cluster.kubectl(namespace, &format!("get pods -l '{selector}'"))
        );
        TransportError::new(TransportErrorKind::NotOwn, message).with_help(help)
    }
}

fn none(cluster: &Cluster, wanted: &Wanted) -> TransportError {
    let Wanted { namespace, selector, .. } = wanted;
    let message = format!("no pod of the namespace {namespace} has the labels {selector}");
    let help = format!("list the pods with: {}", cluster.kubectl(namespace, "get pods --show-labels"));
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(help)
}

fn unready(cluster: &Cluster, wanted: &Wanted, pod: &Pod, patience: Duration) -> TransportError {
    let state::Unready { what, look } = state::unready(pod);
    let Wanted { namespace, .. } = wanted;
    let message =
        format!("the pod {} in the namespace {namespace} {what} (waited for {} s)", name(pod), patience.as_secs());
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(cluster.kubectl(namespace, &look))
}

/// The container that `kubectl exec` uses, if the pod specifies it.
fn default_container(pod: &Pod) -> Option<&str> {
    pod.metadata.annotations.as_ref()?.get(DEFAULT_CONTAINER).map(String::as_str)
}

/// The selected container: the named one, the pod's default, or its only one.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`], listing the containers.
pub(super) fn container(cluster: &Cluster, wanted: &Wanted, pod: &Pod) -> Result<ContainerRef, TransportError> {
    let spec = pod.spec.as_ref();
    let sidecars = spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten();
    let sidecars = sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let own = spec.map(|spec| spec.containers.iter()).into_iter().flatten();
    let names: Vec<_> = own.map(|container| &*container.name).collect();
    let all: Vec<_> = names.iter().copied().chain(sidecars.map(|container| &*container.name)).collect();
    let named = wanted.container.as_deref().or_else(|| default_container(pod));
    let (pod, namespace) = (name(pod), &wanted.namespace);
    let found = match (named, &*names) {
        (Some(named), _) if all.contains(&named) => named,
        (None, [only]) => only,
        (named, _) => {
            let problem = named.map_or_else(
                || format!("has {} containers, and none is selected", names.len()),
                |named| format!("has no container {named}"),
            );
            let message = format!("the pod {pod} in the namespace {namespace} {problem}: {}", all.join(", "));
            let help = format!(
                "set `container` of the transport to one of them: {}",
                cluster.kubectl(namespace, &format!("describe pod {pod}"))
            );
            return Err(TransportError::new(TransportErrorKind::Unreachable, message).with_help(help));
        }
    };
    Ok(ContainerRef { namespace: namespace.clone(), pod: pod.to_owned(), container: found.to_owned() })
}

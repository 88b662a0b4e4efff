//! The pod that is meant, and which of its containers.

use std::fmt;
use std::time::Duration;

use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use tokio::time::{Instant, sleep};

use super::client::Cluster;
use super::config::PodChoice;
use super::state::{self, name};

/// How often pods are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long there may be no pod at all: one that is replaced is away for a moment, a typing error for ever.
const NONE: Duration = Duration::from_secs(10);
/// The annotation that names the container which `kubectl exec` takes.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Which pod is meant, and which container.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) namespace: String,
    pub(super) selector: String,
    pub(super) container: Option<String>,
    pub(super) pod: PodChoice,
}

/// A container of a pod. Its `Display` names it in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, pod, container } = self;
        write!(f, "the container {container} of the pod {pod} in the namespace {namespace}")
    }
}

/// Waits for the pod that is meant to be ready, for as long as `patience`.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] where none matches, several do and one is wanted, or none gets ready; with the
/// command of `kubectl` that shows it.
pub(super) async fn pod(cluster: &Cluster, wanted: &Wanted, patience: Duration) -> Result<Pod, TransportError> {
    let began = Instant::now();
    loop {
        let mut pods = list(cluster, wanted).await?;
        pods.sort_by(|one, other| {
            let created = |pod: &Pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created(one), name(one)).cmp(&(created(other), name(other)))
        });
        let (over, alive): (Vec<_>, Vec<_>) = pods.into_iter().partition(state::is_over);
        if wanted.pod == PodChoice::AllMustMatchOne && alive.len() > 1 {
            return Err(several(cluster, wanted, &alive));
        }
        if let Some(found) = choose(&alive, wanted.pod).filter(|pod| state::is_ready(pod)) {
            return Ok(found.clone());
        }
        let limit = if alive.is_empty() && over.is_empty() { patience.min(NONE) } else { patience };
        if began.elapsed() >= limit {
            let last = choose(&alive, wanted.pod).or_else(|| over.last());
            return Err(last.map_or_else(|| none(cluster, wanted), |pod| unready(cluster, wanted, pod, patience)));
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

/// Of pods from the oldest to the newest.
fn choose(alive: &[Pod], choice: PodChoice) -> Option<&Pod> {
    match choice {
        PodChoice::Ready => alive.iter().find(|pod| state::is_ready(pod)).or_else(|| alive.first()),
        PodChoice::Oldest | PodChoice::AllMustMatchOne => alive.first(),
        PodChoice::Newest => alive.last(),
    }
}

fn none(cluster: &Cluster, wanted: &Wanted) -> TransportError {
    let Wanted { namespace, selector, .. } = wanted;
    let message = format!("no pod of the namespace {namespace} has the labels {selector}");
    let help = format!("{} shows which there are", cluster.kubectl(namespace, "get pods --show-labels"));
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(help)
}

fn several(cluster: &Cluster, wanted: &Wanted, alive: &[Pod]) -> TransportError {
    let Wanted { namespace, selector, .. } = wanted;
    let names: Vec<_> = alive.iter().map(name).collect();
    let message =
        format!("{} pods of the namespace {namespace} have the labels {selector}: {}", names.len(), names.join(", "));
    let help = format!(
        "choose labels that one pod has, or `pod: ready`: {}",
        cluster.kubectl(namespace, &format!("get pods -l '{selector}'"))
    );
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(help)
}

fn unready(cluster: &Cluster, wanted: &Wanted, pod: &Pod, patience: Duration) -> TransportError {
    let state::Unready { what, look } = state::unready(pod);
    let Wanted { namespace, .. } = wanted;
    let message =
        format!("the pod {} in the namespace {namespace} {what} (waited for {} s)", name(pod), patience.as_secs());
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(cluster.kubectl(namespace, &look))
}

/// The container that is meant: the one that was named, the pod's default, or its only one.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`], listing the containers.
pub(super) fn container(cluster: &Cluster, wanted: &Wanted, pod: &Pod) -> Result<Place, TransportError> {
    let spec = pod.spec.as_ref();
    let sidecars = spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten();
    let sidecars = sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let own = spec.map(|spec| spec.containers.iter()).into_iter().flatten();
    let names: Vec<_> = own.map(|container| &*container.name).collect();
    let all: Vec<_> = names.iter().copied().chain(sidecars.map(|container| &*container.name)).collect();
    let annotated = pod.metadata.annotations.as_ref().and_then(|all| all.get(DEFAULT_CONTAINER)).map(String::as_str);
    let named = wanted.container.as_deref().or(annotated);
    let (pod, namespace) = (name(pod), &wanted.namespace);
    let found = match (named, &*names) {
        (Some(named), _) if all.contains(&named) => named,
        (None, [only]) => only,
        (named, _) => {
            let problem = named.map_or_else(
                || format!("has {} containers, and none is named", names.len()),
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
    Ok(Place { namespace: namespace.clone(), pod: pod.to_owned(), container: found.to_owned() })
}

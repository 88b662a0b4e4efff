//! The side pod in the cluster: created, awaited, removed.

use std::time::Duration;

use bahub_core::event::Event;
use bahub_core::run::RunContext;
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event as ClusterEvent, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::super::client::{Cluster, REQUEST};
use super::super::container::ContainerRef;
use super::super::{failure, state};
use super::job::{CONTAINER, RUN};
use super::{cancelled, undone};

/// How often it is polled.
const LOOK: Duration = Duration::from_millis(250);
/// How long programs of a pod that is being removed may take. They end earlier: an agent ends 30 s after its controller.
const GOES: Duration = Duration::from_secs(60);
/// How long programs of a side pod that could not be removed may continue: an agent ends 30 s after its controller.
const ALONE: Duration = Duration::from_secs(35);
/// How long a job may have no pod before that is investigated.
const SLOW: Duration = Duration::from_secs(10);
/// Reasons for which a container waits in vain.
const HOPELESS: [&str; 6] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Creates the job.
///
/// # Errors
/// If the cluster refuses it.
pub(super) async fn create(cluster: &Cluster, job: &Job) -> Result<(), TransportError> {
    let (namespace, name) = (job.metadata.namespace.as_deref().unwrap_or_default(), name_of(job));
    let api: Api<Job> = cluster.api(namespace);
    let create = async || match api.create(&PostParams::default(), job).await {
        // The first answer was lost: the name is unique to this run.
        Err(error) if failure::status(&error) == Some(409) => Ok(()),
        other => other.map(drop),
    };
    cluster.ask(&format!("the job {name} of the side pod cannot be created in the namespace {namespace}"), create).await
}

/// Waits until the side pod runs.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if it does not within `patience`, or never will, with the reason.
pub(super) async fn up(
    cluster: &Cluster,
    job: &Job,
    patience: Duration,
    cx: &RunContext,
) -> Result<ContainerRef, TransportError> {
    let (namespace, name) = (job.metadata.namespace.clone().unwrap_or_default(), name_of(job));
    let (began, mut reported, mut seen) = (Instant::now(), String::new(), None);
    let until = began + patience;
    loop {
        let pods = pods(cluster, &namespace, &cx.id).await?;
        let pod = pods.iter().find(|pod| pod.metadata.deletion_timestamp.is_none());
        match pod {
            Some(pod) if state::is_ready(pod) => {
                let pod = state::name(pod).to_owned();
                return Ok(ContainerRef { namespace, pod, container: CONTAINER.to_owned() });
            }
            Some(pod) if is_hopeless(pod) => return Err(not_up(cluster, &namespace, pod)),
            Some(pod) if Instant::now() > until => return Err(not_up(cluster, &namespace, pod)),
            Some(pod) => {
                report_unscheduled(pod, &mut reported, cx);
                seen = Some(pod.clone());
            }
            None => {
                // The job's deadline has passed first.
                if let Some(pod) = seen {
                    return Err(not_up(cluster, &namespace, &pod));
                }
                let is_seen = must_be_possible(cluster, &namespace, name, Instant::now() > until).await?;
                if !is_seen && began.elapsed() > SLOW {
                    report_once(
                        "the cluster has not created the side pod yet; the reason is unknown without the right to list events",
                        &mut reported,
                        cx,
                    );
                }
            }
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = cx.cancel.cancelled() => return Err(cancelled()),
        }
    }
}

fn name_of(job: &Job) -> &str {
    job.metadata.name.as_deref().unwrap_or_default()
}

/// The pods of a run's job, including those being removed.
async fn pods(cluster: &Cluster, namespace: &str, run: &str) -> Result<Vec<Pod>, TransportError> {
    let api: Api<Pod> = cluster.api(namespace);
    let what = format!("the pods of the namespace {namespace} cannot be listed");
    let matching = ListParams::default().labels(&format!("{RUN}={run}"));
    Ok(cluster.ask(&what, async || api.list(&matching).await).await?.items)
}

fn is_hopeless(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let waiting = statuses.filter_map(|one| one.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    state::is_over(pod) || waiting.into_iter().any(|reason| HOPELESS.contains(&reason))
}

fn not_up(cluster: &Cluster, namespace: &str, pod: &Pod) -> TransportError {
    let state::Unready { what, look } = state::unready(pod);
    let message = format!("the side pod {} in the namespace {namespace} {what}", state::name(pod));
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(cluster.kubectl(namespace, &look))
}

/// Waits for a pod that has no node yet, and reports it once for each reason.
fn report_unscheduled(pod: &Pod, reported: &mut String, cx: &RunContext) {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut unscheduled = conditions.filter(|one| one.type_ == "PodScheduled" && one.status == "False");
    let reason = unscheduled.next().and_then(|one| one.message.clone()).unwrap_or_default();
    if !reason.is_empty() {
        report_once(&format!("the side pod {} waits for a node: {reason}", state::name(pod)), reported, cx);
    }
}

fn report_once(message: &str, reported: &mut String, cx: &RunContext) {
    if message != reported {
        cx.events.emit(Event::Notice { message: message.to_owned() });
        *reported = message.to_owned();
    }
}

/// A job without a pod may be about to get one, unless the cluster refuses it: a quota, an admission rule. Returns whether
/// that could be determined.
async fn must_be_possible(
    cluster: &Cluster,
    namespace: &str,
    job: &str,
    is_late: bool,
) -> Result<bool, TransportError> {
    let api: Api<Job> = cluster.api(namespace);
    let what = format!("the job {job} of the side pod in the namespace {namespace} cannot be read");
    let found = cluster.look(&what, async || api.get(job).await).await?;
    let failed = found.as_ref().and_then(|job| job.status.as_ref()).is_some_and(|status| status.failed > Some(0));
    let complaint = match found {
        None => Some(Some("its job was removed".to_owned())),
        Some(_) => complaint(cluster, namespace, job).await,
    };
    let (is_seen, why) = (complaint.is_some(), complaint.flatten());
    if !is_late && !failed && why.is_none() {
        return Ok(is_seen);
    }
    let why = why.unwrap_or_else(|| "the cluster does not create it".to_owned());
    let help = cluster.kubectl(namespace, &format!("describe job {job}"));
    Err(TransportError::new(
        TransportErrorKind::Refused,
        format!("the side pod of the job {job} cannot be created: {why}"),
    )
    .with_help(help))
}

/// What the cluster's own controller reports about a job; none if that cannot be read.
async fn complaint(cluster: &Cluster, namespace: &str, job: &str) -> Option<Option<String>> {
    let api: Api<ClusterEvent> = cluster.api(namespace);
    let about = format!("involvedObject.name={job},reason=FailedCreate");
    let about = ListParams::default().fields(&about);
    let listed = timeout(REQUEST, api.list(&about)).await.ok()?.ok()?;
    Some(listed.items.into_iter().find_map(|event| event.message))
}

/// Whether the cluster has ended the job because its deadline passed.
pub(super) async fn is_overdue(cluster: &Cluster, namespace: &str, job: &str) -> bool {
    let api: Api<Job> = cluster.api(namespace);
    // This is only for a message and must not delay the cleanup.
    let found = timeout(REQUEST, api.get(job)).await.ok().and_then(Result::ok);
    let status = found.and_then(|job| job.status);
    let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
    conditions.iter().any(|condition| condition.reason.as_deref() == Some("DeadlineExceeded"))
}

/// Removes what a run created, and waits until no program of it runs. The cluster takes some seconds more until the pod is gone.
///
/// # Errors
/// [`TransportErrorKind::Undo`] if it stays; its programs have ended all the same. It is not an error if it is already gone.
pub(super) async fn remove(cluster: &Cluster, namespace: &str, name: &str, run: &str) -> Result<(), TransportError> {
    let ended = Instant::now() + ALONE;
    let removed = removed(cluster, namespace, name, run).await;
    if removed.is_err() {
        sleep_until(ended).await;
    }
    removed
}

async fn removed(cluster: &Cluster, namespace: &str, name: &str, run: &str) -> Result<(), TransportError> {
    let api: Api<Job> = cluster.api(namespace);
    let what = format!("the side pod's job {name} in the namespace {namespace} cannot be removed");
    let removed = cluster.look(&what, async || api.delete(name, &DeleteParams::background()).await).await;
    let help = cluster.kubectl(namespace, &format!("delete job {name}"));
    removed.map_err(|error| undone(error).with_more_help(&help))?;
    let until = Instant::now() + GOES;
    loop {
        let left = pods(cluster, namespace, run).await.map_err(undone)?;
        let Some(pod) = left.iter().find(|pod| !has_ended(pod)) else { return Ok(()) };
        if Instant::now() > until {
            let message = format!("the side pod {} in the namespace {namespace} is not removed", state::name(pod));
            let help = cluster.kubectl(namespace, &format!("delete pod {} --force", state::name(pod)));
            return Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help));
        }
        sleep(LOOK).await;
    }
}

/// Whether no program of a run is active in it any more. An agent is only placed in a container that was seen running, and a
/// container that has ended is not restarted; the pod itself may take another minute, because old kubelets sweep once a minute.
fn has_ended(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    !statuses.into_iter().any(|one| one.state.as_ref().is_some_and(|state| state.running.is_some()))
}

/// The jobs of all runs in a namespace: their names, and the runs' ids.
///
/// # Errors
/// If they cannot be listed.
pub(super) async fn jobs(cluster: &Cluster, namespace: &str) -> Result<Vec<(String, String)>, TransportError> {
    let api: Api<Job> = cluster.api(namespace);
    let what = format!("the jobs of the namespace {namespace} cannot be listed");
    let listed = cluster.ask(&what, async || api.list(&ListParams::default().labels(RUN)).await).await?;
    let named = |job: Job| Some((job.metadata.name?, job.metadata.labels?.remove(RUN)?));
    Ok(listed.items.into_iter().filter_map(named).collect())
}

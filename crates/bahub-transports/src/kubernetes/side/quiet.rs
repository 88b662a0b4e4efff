//! The proof that nobody but the run worked on the data: who has it writable before the workload is stopped, and every pod that
//! was seen on it from then on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::run::CancellationToken;
use bahub_core::transport::{TransportError, TransportErrorKind};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{Container, Pod, Volume};
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::ObjectList;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::super::client::{Cluster, REQUEST};
use super::super::instance::{Data, controller, workload_of};
use super::super::state::{self, name};
use super::job::RUN;
use super::owner::Belonging;
use super::scale::Scaling;
use super::workload::Workload;

/// How long one watch is kept, in seconds; a connection that broke without a word is noticed by its end.
const WATCHED: u32 = 240;
/// The pause before a watch that broke is taken up again.
const PAUSE: Duration = Duration::from_millis(500);
/// A server's watch lags behind what it lists by less than this.
const LAG: Duration = Duration::from_millis(750);
/// How long catching up may take at most, in a namespace in which pods change all the time.
const CAUGHT_UP: Duration = Duration::from_secs(10);

/// Whose pods may be at work on which data.
#[derive(Debug, Clone)]
pub(super) struct Quiet {
    cluster: Cluster,
    workload: Workload,
    run: String,
    data: BTreeSet<Data>,
    /// The owners of the workload's pods.
    owners: BTreeSet<String>,
}

impl Quiet {
    /// For a run that reads or writes this data of a workload's pods.
    pub(super) fn new(cluster: &Cluster, workload: &Workload, run: &str, data: &BTreeSet<Data>) -> Self {
        let data = data.iter().filter(|data| !matches!(data, Data::OfPod(_))).cloned().collect();
        let owners = BTreeSet::from([workload.uid.clone()]);
        Self { cluster: cluster.clone(), workload: workload.clone(), run: run.to_owned(), data, owners }
    }

    /// Refuses where a pod that is not of the workload runs and has the data writable, and where pods may not be watched.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`], naming the pod; [`TransportErrorKind::Refused`], naming the right.
    pub(super) async fn must_be_alone(&mut self) -> Result<(), TransportError> {
        let listed = self.list().await?;
        let workload = self.workload.clone();
        let cluster = self.cluster.clone();
        let mut belonging = Belonging::new(&cluster, &workload);
        for pod in listed.items.iter().filter(|pod| !state::has_ended(pod)) {
            let owner = controller(pod).map(|owner| owner.uid.clone());
            if self.is_of_workload(pod) {
                self.owners.extend(owner);
                continue;
            }
            let Some(data) = self.written_by(pod).filter(|_| may_run(pod) && !self.is_of_run(pod)) else { continue };
            // Whoever owner cannot be read is not of what this run may read.
            if owner.is_some() && belonging.has(pod).await.unwrap_or(false) {
                self.owners.extend(owner);
                continue;
            }
            let (pod, of) = (name(pod), workload_of(pod));
            let message = format!("the pod {pod} of {of} runs, has the {data} writable, and is not of {workload}");
            let help = format!(
                "stop it while the data is read, mount the claim with `readOnly: true` there, or leave out `scaleDown`: {}",
                self.kubectl(&format!("describe pod {pod}"))
            );
            return Err(TransportError::new(TransportErrorKind::NotOwn, message).with_help(help));
        }
        self.must_be_allowed(version(&listed)).await
    }

    /// That pods may not be watched should show before anything is stopped.
    async fn must_be_allowed(&self, version: String) -> Result<(), TransportError> {
        let (api, brief) = (self.api(), WatchParams::default().timeout(1));
        self.cluster.ask(&self.cannot_watch(), async || api.watch(&brief, &version).await.map(drop)).await
    }

    /// Begins to watch, where all pods of the workload are gone.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] where somebody is at work already.
    pub(super) async fn watch(&self, scaling: &Scaling) -> Result<Witness, TransportError> {
        // In this order: what changes the workload from now on is seen by the one or by the other.
        let generation = scaling.generation().await?;
        let listed = self.list().await?;
        let ended = listed.items.iter().filter(|pod| state::has_ended(pod)).filter_map(uid).collect();
        let rules = Rules { quiet: self.clone(), ended };
        if let Some(disturbance) = listed.items.iter().find_map(|pod| rules.disturbance(pod)) {
            return Err(disturbed(&disturbance));
        }
        let log = Log { version: version(&listed), disturbance: None, gap: None };
        Ok(Witness::start(Arc::new(rules), generation, log))
    }

    fn api(&self) -> Api<Pod> {
        self.cluster.api(&self.workload.namespace)
    }

    async fn list(&self) -> Result<ObjectList<Pod>, TransportError> {
        let what = format!("the pods of the namespace {} cannot be listed", self.workload.namespace);
        let api = self.api();
        self.cluster.ask(&what, async || api.list(&ListParams::default()).await).await
    }

    fn cannot_watch(&self) -> String {
        format!("the pods of the namespace {} cannot be watched", self.workload.namespace)
    }

    fn kubectl(&self, arguments: &str) -> String {
        self.cluster.kubectl(&self.workload.namespace, arguments)
    }

    /// Whether it is the side pod itself.
    fn is_of_run(&self, pod: &Pod) -> bool {
        pod.metadata.labels.as_ref().and_then(|labels| labels.get(RUN)) == Some(&self.run)
    }

    fn is_of_workload(&self, pod: &Pod) -> bool {
        let of = workload_of(pod);
        let Workload { kind, name, .. } = &self.workload;
        let is_named = of.kind.eq_ignore_ascii_case(kind) && of.name == *name && controller(pod).is_some();
        is_named || controller(pod).is_some_and(|owner| self.owners.contains(&owner.uid))
    }

    /// What of the run's data a pod can write.
    fn written_by(&self, pod: &Pod) -> Option<Data> {
        written(pod).into_iter().find(|data| self.data.iter().any(|ours| ours.overlaps(data)))
    }
}

fn version(listed: &ObjectList<Pod>) -> String {
    listed.metadata.resource_version.clone().unwrap_or_default()
}

fn uid(pod: &Pod) -> Option<String> {
    pod.metadata.uid.clone()
}

/// The data that programs of a pod can change.
fn written(pod: &Pod) -> BTreeSet<Data> {
    let spec = pod.spec.iter();
    let containers = spec.clone().flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
    let containers: Vec<_> = containers.collect();
    let is_written = |volume: &&Volume| {
        let read_only = volume.persistent_volume_claim.as_ref().and_then(|claim| claim.read_only) == Some(true);
        !read_only && containers.iter().any(|container| writes(container, &volume.name))
    };
    spec.flat_map(|spec| spec.volumes.iter().flatten())
        .filter(is_written)
        .filter_map(|one| Data::of(pod, one))
        .collect()
}

fn writes(container: &Container, volume: &str) -> bool {
    let mut mounts = container.volume_mounts.iter().flatten();
    let mut devices = container.volume_devices.iter().flatten();
    mounts.any(|mount| mount.name == volume && mount.read_only != Some(true)) || devices.any(|one| one.name == volume)
}

/// Whether a kubelet may have started programs of it.
fn may_run(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.node_name.as_ref().is_some_and(|node| !node.is_empty()))
}

/// What is a disturbance.
#[derive(Debug)]
struct Rules {
    quiet: Quiet,
    /// The pods that had ended before.
    ended: BTreeSet<String>,
}

impl Rules {
    /// Why a pod that was seen while the data had to be quiet is none that may be there.
    fn disturbance(&self, pod: &Pod) -> Option<String> {
        if !may_run(pod) || self.quiet.is_of_run(pod) || uid(pod).is_some_and(|uid| self.ended.contains(&uid)) {
            return None;
        }
        if self.quiet.is_of_workload(pod) {
            return Some(format!("the pod {} of {} ran", name(pod), self.quiet.workload));
        }
        let data = self.quiet.written_by(pod)?;
        Some(format!("the pod {} of {} ran, with the {data} writable", name(pod), workload_of(pod)))
    }
}

/// What was seen so far.
#[derive(Debug)]
struct Log {
    /// Up to where.
    version: String,
    /// The first pod that should not have been there.
    disturbance: Option<String>,
    /// Why something may have been missed.
    gap: Option<String>,
}

impl Log {
    fn is_over(&self) -> bool {
        self.disturbance.is_some() || self.gap.is_some()
    }

    /// Whether the stream can go on after this.
    fn take(&mut self, event: WatchEvent<Pod>, rules: &Rules) -> bool {
        let pod = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod) => pod,
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                return true;
            }
            WatchEvent::Error(status) => {
                if status.code == 410 {
                    self.gap = Some(status.message);
                }
                return false;
            }
        };
        self.disturbance = self.disturbance.take().or_else(|| rules.disturbance(&pod));
        if let Some(version) = pod.metadata.resource_version {
            self.version = version;
        }
        true
    }

    fn refused(&mut self, error: &kube::Error) {
        if super::super::failure::status(error) == Some(410) {
            self.gap = Some(super::super::failure::cause(error));
        }
    }
}

/// Watches the pods of a namespace, until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    rules: Arc<Rules>,
    generation: Option<i64>,
    stop: CancellationToken,
    following: Option<JoinHandle<Log>>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Witness {
    fn start(rules: Arc<Rules>, generation: Option<i64>, log: Log) -> Self {
        let stop = CancellationToken::new();
        let following = Some(tokio::spawn(follow(Arc::clone(&rules), log, stop.clone())));
        Self { rules, generation, stop, following }
    }

    /// Gives a witness that goes on, where nobody was seen since it was begun.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] where somebody was, or where it cannot be excluded.
    pub(super) async fn confirm(mut self, scaling: &Scaling) -> Result<Self, TransportError> {
        self.stop.cancel();
        let log = match self.following.take() {
            Some(following) => following.await.ok(),
            None => None,
        };
        let mut log = log.ok_or_else(|| unproven("the watch on the pods has ended"))?;
        let (rules, quiet) = (Arc::clone(&self.rules), &self.rules.quiet);
        let listed = quiet.list().await?;
        log.disturbance = log.disturbance.or_else(|| listed.items.iter().find_map(|pod| rules.disturbance(pod)));
        if !log.is_over() {
            catch_up(&rules, &mut log, &version(&listed)).await?;
        }
        match (&log.disturbance, &log.gap) {
            (Some(disturbance), _) => return Err(disturbed(disturbance)),
            (None, Some(gap)) => return Err(unproven(gap)),
            (None, None) => {}
        }
        let generation = scaling.generation().await?;
        if generation != self.generation {
            return Err(disturbed(&format!("{} was changed", scaling.workload)));
        }
        Ok(Self::start(rules, generation, log))
    }
}

fn disturbed(what: &str) -> TransportError {
    let message = format!("the data was not quiet: {what} meanwhile");
    TransportError::new(TransportErrorKind::NotOwn, message)
        .with_help("pause whoever starts it (an operator, a CronJob, a deployment) while a run goes on, and try again")
}

fn unproven(why: &str) -> TransportError {
    let message = format!("whether the data was quiet cannot be known: {why}");
    TransportError::new(TransportErrorKind::NotOwn, message).with_help("try again")
}

/// Follows what happens to pods until it is stopped, or something is found.
async fn follow(rules: Arc<Rules>, mut log: Log, stop: CancellationToken) -> Log {
    let (api, how) = (rules.quiet.api(), WatchParams::default().timeout(WATCHED));
    while !log.is_over() {
        let opened = tokio::select! {
            () = stop.cancelled() => return log,
            opened = timeout(REQUEST, api.watch(&how, &log.version)) => opened,
        };
        match opened {
            Ok(Ok(events)) => {
                futures::pin_mut!(events);
                loop {
                    let event = tokio::select! {
                        biased;
                        () = stop.cancelled() => return log,
                        event = events.next() => event,
                    };
                    let Some(Ok(event)) = event else { break };
                    if !log.take(event, &rules) || log.is_over() {
                        break;
                    }
                }
            }
            Ok(Err(error)) => log.refused(&error),
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return log,
            () = sleep(PAUSE) => {}
        }
    }
    log
}

/// Takes in what happened up to a version of the list, over a connection of its own: one that has long been silent may be dead.
async fn catch_up(rules: &Rules, log: &mut Log, upto: &str) -> Result<(), TransportError> {
    let (api, how) = (rules.quiet.api(), WatchParams::default().timeout(30));
    let until = Instant::now() + CAUGHT_UP;
    let (what, from) = (rules.quiet.cannot_watch(), log.version.clone());
    let opened = async || match api.watch(&how, &from).await {
        Err(error) if super::super::failure::status(&error) == Some(410) => Ok(Err(error)),
        other => other.map(Ok),
    };
    let events = match rules.quiet.cluster.ask(&what, opened).await? {
        Ok(events) => events,
        Err(error) => return Ok(log.refused(&error)),
    };
    futures::pin_mut!(events);
    while !log.is_over() && Instant::now() < until && !is_at(&log.version, upto) {
        match timeout(LAG, events.next()).await {
            Ok(Some(Ok(event))) => {
                if !log.take(event, rules) && !log.is_over() {
                    log.gap = Some("the watch on the pods was ended by the cluster".to_owned());
                }
            }
            Ok(_) => log.gap = Some("the connection to the cluster broke".to_owned()),
            // Nothing more is on its way.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Versions count up, wherever they are numbers.
fn is_at(version: &str, upto: &str) -> bool {
    match (version.parse::<u64>(), upto.parse::<u64>()) {
        (Ok(version), Ok(upto)) => version >= upto,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(volume: Value, mount: Value) -> Pod {
        let main = json!({ "name": "main", "image": "i", "volumeMounts": [mount] });
        let spec = json!({ "volumes": [volume], "containers": [main], "nodeName": "n" });
        serde_json::from_value(json!({ "metadata": { "name": "other" }, "spec": spec })).unwrap()
    }

    #[test]
    fn a_claim_is_written_by_who_mounts_it_writable() {
        let claim =
            |read_only| json!({ "name": "d", "persistentVolumeClaim": { "claimName": "web", "readOnly": read_only } });
        let mount = |read_only| json!({ "name": "d", "mountPath": "/d", "readOnly": read_only });
        let web = BTreeSet::from([Data::Claim("web".into())]);
        assert_eq!(written(&pod(claim(false), mount(false))), web);
        for (claim, mount) in [(claim(true), mount(false)), (claim(false), mount(true))] {
            assert_eq!(written(&pod(claim, mount)), BTreeSet::new());
        }
        // A volume that no container mounts is in nobody's hands.
        assert_eq!(written(&pod(claim(false), json!({ "name": "x", "mountPath": "/x" }))), BTreeSet::new());
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_at("100", "99") && is_at("100", "100") && !is_at("99", "100") && !is_at("a", "b"));
    }
}

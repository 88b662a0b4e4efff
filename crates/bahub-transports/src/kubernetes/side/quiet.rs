//! Checks that no other pod uses the data of a workload before it is stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::{Container, Pod, Volume};
use kube::Api;
use kube::api::{ListParams, WatchParams};
use kube::core::ObjectList;
use tokio::time::{Instant, sleep};

use super::super::client::Cluster;
use super::super::instance::{Data, controller, workload_of};
use super::super::state::{self, name};
use super::job::RUN;
use super::owner::Belonging;
use super::workload::Workload;

/// How long a pod that is being removed may take.
const LEAVES: Duration = Duration::from_secs(90);
/// How often pods are polled.
const LOOK: Duration = Duration::from_millis(500);

/// Which pods may use which data.
#[derive(Debug, Clone)]
pub(super) struct Quiet {
    pub(super) cluster: Cluster,
    pub(super) workload: Workload,
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

    /// Fails if a running pod outside the workload can write to the data, or if pods may not be watched.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`], naming the pod; [`TransportErrorKind::Refused`], naming the right.
    pub(super) async fn must_be_alone(&mut self) -> Result<(), TransportError> {
        let began = Instant::now();
        loop {
            let listed = self.list().await?;
            match self.other_writer(&listed).await {
                None => return self.must_be_allowed(version(&listed)).await,
                // Wait for one that is being removed, such as the side pod of a killed run.
                Some((true, _)) if began.elapsed() < LEAVES => sleep(LOOK).await,
                Some((_, error)) => return Err(error),
            }
        }
    }

    /// A running pod outside the workload that can write to the data: whether it is being removed, and the error.
    async fn other_writer(&mut self, listed: &ObjectList<Pod>) -> Option<(bool, TransportError)> {
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
            // An owner that this run may not read is not part of the workload.
            if owner.is_some() && belonging.has(pod).await.unwrap_or(false) {
                self.owners.extend(owner);
                continue;
            }
            let is_leaving = pod.metadata.deletion_timestamp.is_some();
            let (pod, of) = (name(pod), workload_of(pod));
            let message = format!(
                "the pod {pod} of {of}, which is not part of {workload}, is running and can write to the {data}"
            );
            let help = format!(
                "stop it during the run, mount the claim with `readOnly: true` there, or remove `scaleDown`: {}",
                self.kubectl(&format!("describe pod {pod}"))
            );
            return Some((is_leaving, TransportError::new(TransportErrorKind::NotOwn, message).with_help(help)));
        }
        None
    }

    /// A missing right to watch pods should show before anything is stopped.
    async fn must_be_allowed(&self, version: String) -> Result<(), TransportError> {
        let (api, brief) = (self.api(), WatchParams::default().timeout(1));
        self.cluster.ask(&self.cannot_watch(), async || api.watch(&brief, &version).await.map(drop)).await
    }

    /// The pods of the namespace.
    pub(super) fn api(&self) -> Api<Pod> {
        self.cluster.api(&self.workload.namespace)
    }

    /// All of them, in their current state.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(super) async fn list(&self) -> Result<ObjectList<Pod>, TransportError> {
        let what = format!("the pods of the namespace {} cannot be listed", self.workload.namespace);
        let api = self.api();
        self.cluster.ask(&what, async || api.list(&ListParams::default()).await).await
    }

    /// What failed, if a watch did.
    pub(super) fn cannot_watch(&self) -> String {
        format!("the pods of the namespace {} cannot be watched", self.workload.namespace)
    }

    fn kubectl(&self, arguments: &str) -> String {
        self.cluster.kubectl(&self.workload.namespace, arguments)
    }

    /// Whether it is the side pod itself.
    pub(super) fn is_of_run(&self, pod: &Pod) -> bool {
        pod.metadata.labels.as_ref().and_then(|labels| labels.get(RUN)) == Some(&self.run)
    }

    /// Whether it is one of the workload's pods.
    pub(super) fn is_of_workload(&self, pod: &Pod) -> bool {
        let of = workload_of(pod);
        let Workload { kind, name, .. } = &self.workload;
        let is_named = of.kind.eq_ignore_ascii_case(kind) && of.name == *name && controller(pod).is_some();
        is_named || controller(pod).is_some_and(|owner| self.owners.contains(&owner.uid))
    }

    /// The part of the run's data that a pod can write.
    pub(super) fn written_by(&self, pod: &Pod) -> Option<Data> {
        written(pod).into_iter().find(|data| self.data.iter().any(|ours| ours.overlaps(data)))
    }
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
pub(super) fn may_run(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.node_name.as_ref().is_some_and(|node| !node.is_empty()))
}

/// The version of a list.
pub(super) fn version(listed: &ObjectList<Pod>) -> String {
    listed.metadata.resource_version.clone().unwrap_or_default()
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
        // A volume that no container mounts is not in use.
        assert_eq!(written(&pod(claim(false), json!({ "name": "x", "mountPath": "/x" }))), BTreeSet::new());
    }
}

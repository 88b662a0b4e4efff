//! The instance to which a pod belongs: its workload, and the data that it has alone or shares with others.

use std::collections::BTreeSet;
use std::fmt;

use bahub_core::instance::{Identity, InstanceKind};
use k8s_openapi::api::core::v1::{Container, Pod, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::state::name;

/// The labels by which a ReplicaSet selects its pods, and the kind that created the ReplicaSet, whose name is the owner's, a
/// dash, and the label's value.
const TEMPLATE_HASHES: [(&str, &str); 2] =
    [("pod-template-hash", "deployment"), ("rollouts-pod-template-hash", "rollout")];
/// The annotation by which a pod of OpenShift names its DeploymentConfig, which makes a ReplicationController for each rollout.
const DEPLOYMENT_CONFIG: &str = "openshift.io/deployment-config.name";
/// Kinds whose pods get a new name whenever they are replaced.
const NAMELESS: [&str; 7] =
    ["deployment", "deploymentconfig", "rollout", "replicaset", "replicationcontroller", "daemonset", "job"];

/// What a pod belongs to, as far as the pod itself shows. Its `Display` names it as `kubectl` would: `statefulset shop/db`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkloadRef {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// The owner that recreates a pod when it is removed.
pub(super) fn controller(pod: &Pod) -> Option<&OwnerReference> {
    pod.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// The workload of a pod: of a Deployment's pod the Deployment, and not its ReplicaSet, which changes with each release. It is
/// read from the pod, so that only rights on pods are needed.
pub(super) fn workload_of(pod: &Pod) -> WorkloadRef {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let Some(owner) = controller(pod) else {
        return WorkloadRef { kind: "pod".to_owned(), namespace, name: name(pod).to_owned() };
    };
    let above = TEMPLATE_HASHES.iter().filter(|_| owner.kind == "ReplicaSet").find_map(|(label, kind)| {
        let hash = pod.metadata.labels.as_ref()?.get(*label)?;
        let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
        Some((*kind, name))
    });
    let above = above.or_else(|| {
        let annotations = pod.metadata.annotations.as_ref().filter(|_| owner.kind == "ReplicationController")?;
        Some(("deploymentconfig", &**annotations.get(DEPLOYMENT_CONFIG)?))
    });
    let (kind, name) = above.map_or_else(
        || (owner.kind.to_lowercase(), owner.name.clone()),
        |(kind, name)| (kind.to_owned(), name.to_owned()),
    );
    WorkloadRef { kind, namespace, name }
}

/// Data behind a path of a pod, as far as the cluster knows its owner. Its `Display` names it in messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Data {
    /// A claim of the pod's namespace.
    Claim(String),
    /// A folder of a node.
    HostPath { node: String, path: String },
    /// A folder of a server.
    Nfs { server: String, path: String },
    /// A share or disk that several pods may have, as their specification names it.
    Other(String),
    /// What is created and removed with the pod of this name: an emptyDir, a container's own files.
    OfPod(String),
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(name) => write!(f, "claim {name}"),
            Self::HostPath { node, path } => write!(f, "hostPath {node}:{path}"),
            Self::Nfs { server, path } => write!(f, "nfs {server}:{path}"),
            Self::Other(source) => write!(f, "volume {source}"),
            Self::OfPod(pod) => write!(f, "the pod {pod}'s own files"),
        }
    }
}

impl Data {
    /// Whether a change of one may change the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let nested =
            |one: &str, other: &str| lies_on(&plain(one), &plain(other)) || lies_on(&plain(other), &plain(one));
        match (self, other) {
            (Self::HostPath { node, path }, Self::HostPath { node: on, path: at }) => node == on && nested(path, at),
            (Self::Nfs { server, path }, Self::Nfs { server: of, path: at }) => server == of && nested(path, at),
            (one, other) => one == other,
        }
    }

    /// The data of a volume; none if the cluster itself writes it, such as a ConfigMap.
    pub(super) fn of(pod: &Pod, volume: &Volume) -> Option<Self> {
        if let Some(claim) = &volume.persistent_volume_claim {
            return Some(Self::Claim(claim.claim_name.clone()));
        }
        if let Some(folder) = &volume.host_path {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
            return Some(Self::HostPath { node, path: folder.path.clone() });
        }
        if let Some(share) = &volume.nfs {
            return Some(Self::Nfs { server: share.server.clone(), path: share.path.clone() });
        }
        if volume.empty_dir.is_some() || volume.ephemeral.is_some() || volume.csi.is_some() {
            return Some(Self::OfPod(name(pod).to_owned()));
        }
        let is_the_clusters = volume.config_map.is_some()
            || volume.secret.is_some()
            || volume.projected.is_some()
            || volume.downward_api.is_some();
        let source = serde_json::to_value(Volume { name: String::new(), ..volume.clone() }).ok()?;
        (!is_the_clusters).then(|| Self::Other(source.to_string()))
    }
}

/// The containers whose mounts count: the named one, else all that keep running.
pub(super) fn containers<'a>(pod: &'a Pod, named: Option<&str>) -> Vec<&'a Container> {
    let spec = pod.spec.iter();
    let sidecars = spec.clone().flat_map(|spec| spec.init_containers.iter().flatten());
    let sidecars = sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let all: Vec<_> = spec.flat_map(|spec| &spec.containers).chain(sidecars).collect();
    let found: Vec<_> = all.iter().copied().filter(|container| Some(&*container.name) == named).collect();
    if found.is_empty() { all } else { found }
}

/// The data behind these paths of the containers, with the claims that are mounted below them; without paths, all data of
/// the pod that outlives it.
pub(super) fn data(pod: &Pod, containers: &[&Container], paths: &[String]) -> BTreeSet<Data> {
    let volumes: Vec<_> = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).collect();
    let lasts = |data: &Data| !matches!(data, Data::OfPod(_));
    if paths.is_empty() {
        return volumes.iter().filter_map(|volume| Data::of(pod, volume)).filter(lasts).collect();
    }
    let of = |mount: &VolumeMount| {
        let volume = volumes.iter().find(|volume| volume.name == mount.name)?;
        Data::of(pod, volume)
    };
    let mounts: Vec<_> = containers.iter().flat_map(|container| container.volume_mounts.iter().flatten()).collect();
    let mut found = BTreeSet::new();
    for path in paths.iter().map(|path| plain(path)) {
        let at = |mount: &&&VolumeMount| lies_on(&path, &plain(&mount.mount_path));
        match mounts.iter().filter(at).max_by_key(|mount| plain(&mount.mount_path).len()) {
            Some(mount) => {
                found.extend(of(mount));
                // A part of a volume that has the pod's name, or something like it, in its path.
                let is_its_own = mount.sub_path_expr.as_ref().is_some_and(|expression| expression.contains("$("));
                found.extend(is_its_own.then(|| Data::OfPod(name(pod).to_owned())));
            }
            None => found.extend([Data::OfPod(name(pod).to_owned())]),
        }
        let below = mounts.iter().filter(|mount| lies_on(&plain(&mount.mount_path), &path));
        found.extend(below.filter_map(|mount| of(mount)).filter(lasts));
    }
    found
}

/// What makes pods one instance: they belong to one workload, and have the same data behind the paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instance {
    pub(super) workload: WorkloadRef,
    pub(super) data: BTreeSet<Data>,
}

impl Instance {
    /// The instance of a pod.
    pub(super) fn of(pod: &Pod, containers: &[&Container], paths: &[String]) -> Self {
        let (workload, mut data) = (workload_of(pod), data(pod, containers, paths));
        // Each pod of a StatefulSet is an instance, even without a volume.
        if data.is_empty() && !NAMELESS.contains(&&*workload.kind) {
            data.insert(Data::OfPod(name(pod).to_owned()));
        }
        Self { workload, data }
    }

    /// Whether everything goes with the pod, and the pod that takes its place has neither its name nor its data.
    pub(super) fn goes_with_its_pod(&self) -> bool {
        NAMELESS.contains(&&*self.workload.kind) && self.data.iter().all(|data| matches!(data, Data::OfPod(_)))
    }

    /// The identity, for messages and for a restore.
    pub(super) fn identity(&self, pod: &Pod, container: Option<&str>) -> Identity {
        let pod_name = name(pod);
        let listed = |wanted: &dyn Fn(&Data) -> Option<String>| {
            self.data.iter().filter_map(wanted).collect::<Vec<_>>().join(",")
        };
        let claims = listed(&|data| match data {
            Data::Claim(name) => Some(name.clone()),
            _ => None,
        });
        let volumes = listed(&|data| match data {
            Data::HostPath { node, path } => Some(format!("{node}:{path}")),
            Data::Nfs { server, path } => Some(format!("{server}:{path}")),
            _ => None,
        });
        let keeps_its_name = !NAMELESS.contains(&&*self.workload.kind);
        let is_its_own = |data: &Data| match data {
            // As a StatefulSet names claims, and as operators do.
            Data::Claim(claim) => claim == pod_name || claim.ends_with(&format!("-{pod_name}")),
            Data::OfPod(_) => true,
            Data::HostPath { .. } | Data::Nfs { .. } | Data::Other(_) => false,
        };
        let has_an_identity = keeps_its_name && (controller(pod).is_none() || self.data.iter().any(is_its_own));
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        Identity::new(InstanceKind::Pod, self.workload.to_string())
            .with("pod", if has_an_identity { pod_name } else { "" })
            .with("uid", pod.metadata.uid.as_deref().unwrap_or_default())
            .with("node", node)
            .with("container", container.unwrap_or_default())
            .with("claims", claims)
            .with("volumes", volumes)
    }
}

/// Whether a path is this folder or below it; both are [`plain`].
pub(super) fn lies_on(path: &str, folder: &str) -> bool {
    folder == "/" || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A path without redundant parts.
pub(super) fn plain(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, owner: Value, labels: Value, volumes: Value) -> Pod {
        let mounts = ["data", "tmp", "inner"].map(|name| json!({ "name": name, "mountPath": format!("/{name}") }));
        let mut mounts = mounts.to_vec();
        mounts[2]["mountPath"] = json!("/data/inner");
        serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "shop", "uid": "u1", "labels": labels, "ownerReferences": owner },
            "spec": {
                "nodeName": "node7", "volumes": volumes,
                "containers": [{ "name": "main", "image": "i", "volumeMounts": mounts }],
            },
        }))
        .unwrap()
    }

    fn owned(kind: &str, name: &str) -> Value {
        json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "o", "controller": true }])
    }

    fn claim(name: &str) -> Value {
        json!({ "name": "data", "persistentVolumeClaim": { "claimName": name } })
    }

    fn instance(pod: &Pod, paths: &[&str]) -> Instance {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        Instance::of(pod, &containers(pod, None), &paths)
    }

    #[test]
    fn the_pods_of_a_deployment_config_are_of_it_and_not_of_one_rollout() {
        let mut pod = pod("db-7-x", owned("ReplicationController", "db-7"), json!({}), json!([claim("db")]));
        assert_eq!(workload_of(&pod).to_string(), "replicationcontroller shop/db-7");
        pod.metadata.annotations = Some([(DEPLOYMENT_CONFIG.to_owned(), "db".to_owned())].into());
        assert_eq!(workload_of(&pod).to_string(), "deploymentconfig shop/db");
        assert_eq!(instance(&pod, &["/data"]).identity(&pod, None).details.get("pod"), None);
    }

    #[test]
    fn the_pods_of_a_deployment_are_one_instance_whatever_their_names() {
        let one =
            pod("web-5d-a", owned("ReplicaSet", "web-5d"), json!({ "pod-template-hash": "5d" }), json!([claim("web")]));
        let other =
            pod("web-6e-b", owned("ReplicaSet", "web-6e"), json!({ "pod-template-hash": "6e" }), json!([claim("web")]));
        let (one_of, other_of) = (instance(&one, &["/data/x"]), instance(&other, &["/data/x"]));
        assert_eq!(one_of, other_of);
        let identity = one_of.identity(&one, Some("main"));
        assert_eq!(identity.to_string(), "pod deployment shop/web (claims web, container main, node node7, uid u1)");
        assert_eq!(identity.differs_from(&other_of.identity(&other, None)), None);
        // With a path that each of them has for itself, they are several instances.
        assert_ne!(instance(&one, &["/etc"]), instance(&other, &["/etc"]));
        assert_eq!(instance(&one, &[]), instance(&other, &[]));
    }

    #[test]
    fn the_pods_of_a_stateful_set_are_an_instance_each_unless_they_share_a_claim() {
        let of =
            |name: &str, claim_name: &str| pod(name, owned("StatefulSet", "db"), json!({}), json!([claim(claim_name)]));
        let (one, other) = (of("db-0", "data-db-0"), of("db-1", "data-db-1"));
        for paths in [&["/data"][..], &[]] {
            assert_ne!(instance(&one, paths), instance(&other, paths));
        }
        let identity = instance(&one, &[]).identity(&one, None);
        assert_eq!((&*identity.workload, &*identity.details["pod"]), ("statefulset shop/db", "db-0"));
        let (one, other) = (of("db-0", "shared"), of("db-1", "shared"));
        assert_eq!(instance(&one, &["/data"]), instance(&other, &["/data"]));
        assert_eq!(instance(&one, &["/data"]).identity(&one, None).details.get("pod"), None);
        let bare = |name: &str| pod(name, owned("StatefulSet", "db"), json!({}), json!([]));
        assert_ne!(instance(&bare("db-0"), &[]), instance(&bare("db-1"), &[]));
    }

    #[test]
    fn only_the_claims_that_the_paths_lie_on_or_that_lie_below_them_count() {
        let volumes = json!([claim("data"), { "name": "tmp", "emptyDir": {} },
            { "name": "inner", "persistentVolumeClaim": { "claimName": "inner" } },
            { "name": "unmounted", "hostPath": { "path": "/srv" } }]);
        let solo = pod("solo", json!([]), json!({}), volumes);
        let claims = |paths: &[&str]| instance(&solo, paths).identity(&solo, None).details.get("claims").cloned();
        assert_eq!(claims(&["/data/x"]).as_deref(), Some("data"));
        assert_eq!(claims(&["/data"]).as_deref(), Some("data,inner"));
        assert_eq!(claims(&["/data/inner/y"]).as_deref(), Some("inner"));
        assert_eq!(claims(&["/"]).as_deref(), Some("data,inner"));
        assert_eq!(claims(&["/tmp/x"]), None);
        let all = instance(&solo, &[]).identity(&solo, None);
        assert_eq!((&*all.details["claims"], &*all.details["volumes"]), ("data,inner", "node7:/srv"));
        assert_eq!((&*all.workload, &*all.details["pod"]), ("pod shop/solo", "solo"));
    }

    #[test]
    fn folders_of_a_node_overlap_where_one_lies_in_the_other() {
        let at = |node: &str, path: &str| Data::HostPath { node: node.into(), path: path.into() };
        assert!(at("a", "/srv").overlaps(&at("a", "/srv/x/")) && at("a", "/srv/x").overlaps(&at("a", "/srv")));
        assert!(!at("a", "/srv").overlaps(&at("b", "/srv")) && !at("a", "/srv").overlaps(&at("a", "/srv2")));
        assert!(!Data::Claim("a".into()).overlaps(&Data::Claim("b".into())));
    }
}

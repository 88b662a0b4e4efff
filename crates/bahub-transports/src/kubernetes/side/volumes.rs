//! Which volumes of a pod another pod can mount too, and where.

use bahub_core::instance::Coverage;
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::{Container, Pod, ProjectedVolumeSource, Volume, VolumeMount};

use super::super::instance::{lies_on, plain};
use super::expand;

/// Where Kubernetes mounts the token of a service account, which a side pod does not get.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What to do if containers do not see the same files.
const NAME_ONE: &str = "choose the container whose mounts to use: `container: NAME` in the transport's spec";

/// What a side pod has of the original's volumes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shared {
    pub(super) volumes: Vec<Volume>,
    pub(super) mounts: Vec<VolumeMount>,
    /// A sentence for each mount that it lacks.
    pub(super) notices: Vec<String>,
}

/// A mount of the original's containers.
#[derive(Debug)]
struct Mount {
    /// Those that have it; it is copied from the first.
    containers: Vec<String>,
    path: String,
    volume: Volume,
    sub_path: Option<String>,
    /// What it is, if another pod cannot have it.
    alone: Option<&'static str>,
}

/// The mounts of some containers of a pod, each path once.
#[derive(Debug)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    /// Merges the mounts of these containers.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if two containers have different things at one path.
    pub(super) fn of(pod: &Pod, containers: &[&Container]) -> Result<Self, TransportError> {
        let volumes: Vec<_> = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).collect();
        let mut mounts: Vec<Mount> = Vec::new();
        for &container in containers {
            for mount in container.volume_mounts.iter().flatten() {
                let path = plain(&mount.mount_path);
                let Some(&volume) = volumes.iter().find(|volume| volume.name == mount.name) else { continue };
                if path == TOKEN {
                    continue;
                }
                let sub_path = expand::sub_path(pod, container, mount)?;
                let (containers, volume, alone) = (vec![container.name.clone()], volume.clone(), alone(volume));
                let mount = Mount { containers, path, volume, sub_path, alone };
                match mounts.iter_mut().find(|other| other.path == mount.path) {
                    None => mounts.push(mount),
                    Some(other) if other.is_the_same_as(&mount) => other.containers.push(container.name.clone()),
                    Some(other) => return Err(conflict(other, &mount)),
                }
            }
        }
        Ok(Self(mounts))
    }

    /// What a side pod has of them.
    pub(super) fn shared(&self, writable: bool) -> Shared {
        let mut shared = Shared::default();
        for mount in &self.0 {
            if let Some(what) = mount.alone {
                let message =
                    format!("the side pod does not have {}: it is {what} that only the original can mount", mount.path);
                shared.notices.push(message);
                continue;
            }
            let volume = for_another_pod(&mount.volume, writable);
            let read_only = !writable || is_of_the_cluster(&volume);
            shared.mounts.push(VolumeMount {
                name: volume.name.clone(),
                mount_path: mount.path.clone(),
                sub_path: mount.sub_path.clone(),
                read_only: Some(read_only),
                ..VolumeMount::default()
            });
            if !shared.volumes.contains(&volume) {
                shared.volumes.push(volume);
            }
        }
        shared
    }

    /// Whether a side pod has the original's data at a path: elsewhere it has its image's files.
    pub(super) fn coverage(&self, path: &str, writable: bool) -> Coverage {
        let path = plain(path);
        let below = self.0.iter().filter(|mount| lies_on(&path, &mount.path)).max_by_key(|mount| mount.path.len());
        let reason = match below {
            None => "is not on a volume of the pod, and a side pod only has its volumes".to_owned(),
            Some(Mount { path, alone: Some(what), .. }) => {
                format!("is on {path}, {what} that only the original pod can mount")
            }
            Some(mount) if writable && is_of_the_cluster(&mount.volume) => {
                format!("is on {}, the {}, which pods cannot write to", mount.path, described(&mount.volume))
            }
            Some(mount) => match self.hidden(&path) {
                None => return Coverage::Volume(described(&mount.volume)),
                Some(reason) => return Coverage::NotOwn { reason, help: NAME_ONE.into() },
            },
        };
        Coverage::NotOwn { reason, help: self.help().into() }
    }

    /// The available volumes, and how to reach the other files.
    fn help(&self) -> String {
        let shared = self.0.iter().filter(|mount| mount.alone.is_none());
        let shared: Vec<_> = shared.map(|mount| format!("{} ({})", mount.path, described(&mount.volume))).collect();
        let podexec = "bahub.transports.kubernetes_podexec runs in the pod itself and can access all its files";
        match shared.is_empty() {
            true => format!("the pod has no volume that a side pod can mount; {podexec}"),
            false => format!("volumes of the pod are mounted at {}; {podexec}", shared.join(", ")),
        }
    }

    /// Finds a place where one container has files and only another one has a mount: with the mounts of both, that mount would
    /// hide them.
    fn hidden(&self, path: &str) -> Option<String> {
        let inner = self.0.iter().filter(|inner| lies_on(&inner.path, path) || lies_on(path, &inner.path));
        for inner in inner.filter(|inner| inner.alone.is_none()) {
            let outer = self.0.iter().filter(|outer| outer.path != inner.path && lies_on(&inner.path, &outer.path));
            for outer in outer.filter(|outer| outer.alone.is_none()) {
                let Some(without) = outer.containers.iter().find(|name| !inner.containers.contains(name)) else {
                    continue;
                };
                return Some(format!(
                    "would be incomplete: {without} has files of its {} at {}, where {} mounts another volume that would hide them",
                    outer.path,
                    inner.path,
                    inner.containers.join(", ")
                ));
            }
        }
        None
    }
}

impl Mount {
    /// Two that are both left out do not conflict.
    fn is_the_same_as(&self, other: &Self) -> bool {
        let same = self.volume.name == other.volume.name && self.sub_path == other.sub_path;
        same || (self.alone.is_some() && other.alone.is_some())
    }
}

fn conflict(one: &Mount, other: &Mount) -> TransportError {
    let at = |mount: &Mount| match (&mount.sub_path, mount.containers.join(", ")) {
        (Some(sub_path), containers) => format!("{} of the volume {} in {containers}", sub_path, mount.volume.name),
        (None, containers) => format!("the volume {} in {containers}", mount.volume.name),
    };
    let message = format!("two containers have different mounts at {}: {}, and {}", one.path, at(one), at(other));
    TransportError::new(TransportErrorKind::NotOwn, message).with_help(NAME_ONE)
}

/// A volume in a few words.
fn described(volume: &Volume) -> String {
    let named = |kind: &str, name: &str| format!("{kind} {name}");
    let of = |name: &Option<String>| name.clone().unwrap_or_default();
    if let Some(claim) = &volume.persistent_volume_claim {
        return named("claim", &claim.claim_name);
    }
    if let Some(folder) = &volume.host_path {
        return named("hostPath", &folder.path);
    }
    if let Some(map) = &volume.config_map {
        return named("configMap", &map.name);
    }
    if let Some(secret) = &volume.secret {
        return named("secret", &of(&secret.secret_name));
    }
    named("volume", &volume.name)
}

/// What a volume is, if it is created and removed with its pod.
fn alone(volume: &Volume) -> Option<&'static str> {
    if volume.empty_dir.is_some() {
        return Some("an emptyDir");
    }
    if volume.ephemeral.is_some() || volume.csi.is_some() {
        return Some("an ephemeral volume");
    }
    if volume.downward_api.is_some() {
        return Some("a description");
    }
    if let Some(projected) = &volume.projected {
        return sharable_sources(projected).is_none().then_some("a token or a description");
    }
    if volume.image.is_some() || volume.git_repo.is_some() {
        return Some("a copy");
    }
    // A kind that this program does not know is parsed as none.
    let nothing = Volume { name: volume.name.clone(), ..Volume::default() };
    (*volume == nothing).then_some("an unknown kind of volume")
}

/// Whether only the cluster writes it, and no pod.
fn is_of_the_cluster(volume: &Volume) -> bool {
    volume.config_map.is_some() || volume.secret.is_some() || volume.projected.is_some()
}

/// Without the original's own token and description.
fn sharable_sources(projected: &ProjectedVolumeSource) -> Option<ProjectedVolumeSource> {
    let sources = projected.sources.iter().flatten();
    let sources = sources.filter(|source| source.config_map.is_some() || source.secret.is_some());
    let sources: Vec<_> = sources.cloned().collect();
    (!sources.is_empty()).then(|| ProjectedVolumeSource { sources: Some(sources), ..projected.clone() })
}

fn for_another_pod(volume: &Volume, writable: bool) -> Volume {
    let mut volume = volume.clone();
    volume.projected = volume.projected.as_ref().and_then(sharable_sources);
    if let Some(claim) = volume.persistent_volume_claim.as_mut().filter(|_| writable) {
        claim.read_only = None;
    }
    volume
}

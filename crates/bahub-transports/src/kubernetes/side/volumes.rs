//! Which volumes of a pod another one can have too, and where they are mounted there.

use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::{Container, Pod, ProjectedVolumeSource, Volume, VolumeMount};

use super::expand;

/// Where Kubernetes mounts the token of a service account, which a side pod does not get.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What a side pod has of the original's volumes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shared {
    pub(super) volumes: Vec<Volume>,
    pub(super) mounts: Vec<VolumeMount>,
    /// A sentence for each mount that it has not.
    pub(super) notices: Vec<String>,
}

/// A mount of the original's containers.
struct Mount<'a> {
    /// Those that have it; the first is the one that it is taken from.
    containers: Vec<&'a str>,
    path: String,
    volume: &'a Volume,
    sub_path: Option<String>,
    /// What it is, where another pod cannot have it.
    alone: Option<&'static str>,
}

/// Brings together the mounts of these containers, each path once.
///
/// # Errors
/// [`TransportErrorKind::Refused`] where two containers have different things at one path, or where a wanted path lies on
/// nothing that can be shared, or holds what another container's mount would hide.
pub(super) fn shared(
    pod: &Pod,
    containers: &[&Container],
    writable: bool,
    wanted: &[String],
) -> Result<Shared, TransportError> {
    let mounts = mounts(pod, containers)?;
    wanted.iter().try_for_each(|path| can_be_had(path, &mounts).and_then(|()| is_whole(path, &mounts)))?;
    let mut shared = Shared::default();
    for mount in mounts {
        if let Some(what) = mount.alone {
            let message = format!("the side pod does not have {}: it is {what} of the original alone", mount.path);
            shared.notices.push(message);
            continue;
        }
        let volume = for_another_pod(mount.volume, writable);
        let read_only = !writable || is_of_the_cluster(&volume);
        shared.mounts.push(VolumeMount {
            name: volume.name.clone(),
            mount_path: mount.path,
            sub_path: mount.sub_path,
            read_only: Some(read_only),
            ..VolumeMount::default()
        });
        if !shared.volumes.contains(&volume) {
            shared.volumes.push(volume);
        }
    }
    Ok(shared)
}

fn mounts<'a>(pod: &'a Pod, containers: &[&'a Container]) -> Result<Vec<Mount<'a>>, TransportError> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref()).into_iter().flatten().collect::<Vec<_>>();
    let mut mounts: Vec<Mount<'a>> = Vec::new();
    for &container in containers {
        for mount in container.volume_mounts.iter().flatten() {
            let path = plain(&mount.mount_path);
            let Some(&volume) = volumes.iter().find(|volume| volume.name == mount.name) else { continue };
            if path == TOKEN {
                continue;
            }
            let sub_path = expand::sub_path(pod, container, mount)?;
            let mount = Mount { containers: vec![&container.name], path, volume, sub_path, alone: alone(volume) };
            match mounts.iter_mut().find(|other| other.path == mount.path) {
                None => mounts.push(mount),
                Some(other) if other.is_the_same_as(&mount) => other.containers.push(&container.name),
                Some(other) => return Err(conflict(other, &mount)),
            }
        }
    }
    Ok(mounts)
}

impl Mount<'_> {
    /// Two that are both left out are no choice.
    fn is_the_same_as(&self, other: &Self) -> bool {
        let same = self.volume.name == other.volume.name && self.sub_path == other.sub_path;
        same || (self.alone.is_some() && other.alone.is_some())
    }
}

fn conflict(one: &Mount<'_>, other: &Mount<'_>) -> TransportError {
    let at = |mount: &Mount<'_>| match (&mount.sub_path, mount.containers.join(", ")) {
        (Some(sub_path), containers) => format!("{} of the volume {} in {containers}", sub_path, mount.volume.name),
        (None, containers) => format!("the volume {} in {containers}", mount.volume.name),
    };
    ambiguous(format!("two containers have different things at {}: {}, and {}", one.path, at(one), at(other)))
}

fn ambiguous(message: String) -> TransportError {
    TransportError::new(TransportErrorKind::Refused, message)
        .with_help("name the container whose mounts are meant: `container: NAME` in the transport's spec")
}

/// # Errors
/// [`TransportErrorKind::Refused`] where one container has files at a place at which only another one has a mount: with the
/// mounts of both, that would hide them.
fn is_whole(wanted: &str, mounts: &[Mount<'_>]) -> Result<(), TransportError> {
    let wanted = plain(wanted);
    let inner = mounts.iter().filter(|inner| lies_on(&inner.path, &wanted) || lies_on(&wanted, &inner.path));
    for inner in inner.filter(|inner| inner.alone.is_none()) {
        let outer = mounts.iter().filter(|outer| outer.path != inner.path && lies_on(&inner.path, &outer.path));
        for outer in outer.filter(|outer| outer.alone.is_none()) {
            let Some(without) = outer.containers.iter().find(|name| !inner.containers.contains(name)) else { continue };
            return Err(ambiguous(format!(
                "{without} has files of its {} at {}, where {} has another volume, which would hide them",
                outer.path,
                inner.path,
                inner.containers.join(", ")
            )));
        }
    }
    Ok(())
}

/// # Errors
/// [`TransportErrorKind::Refused`] where a side pod would have something else at a path: its own image's files.
fn can_be_had(wanted: &str, mounts: &[Mount<'_>]) -> Result<(), TransportError> {
    let wanted = plain(wanted);
    let below = mounts.iter().filter(|mount| lies_on(&wanted, &mount.path)).max_by_key(|mount| mount.path.len());
    let podexec = "bahub.transports.kubernetes_podexec works in the pod itself, and has all its files";
    let message = match below {
        Some(Mount { alone: None, .. }) => return Ok(()),
        Some(Mount { path, alone: Some(what), .. }) => {
            format!("{wanted} lies on {path}, {what} of the original pod alone, which no other pod can have")
        }
        None => format!("{wanted} lies on no volume of the pod, and a side pod has nothing else of it"),
    };
    Err(TransportError::new(TransportErrorKind::Refused, message).with_help(podexec))
}

fn lies_on(path: &str, mount: &str) -> bool {
    mount == "/" || path == mount || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'))
}

/// Without what a path can do without.
fn plain(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

/// What a volume is, where it is made with its pod and goes with it.
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
    // A kind that this program does not know reads as none.
    let nothing = Volume { name: volume.name.clone(), ..Volume::default() };
    (*volume == nothing).then_some("an unknown kind of volume")
}

/// Whether it is written by the cluster, and by nobody in a pod.
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

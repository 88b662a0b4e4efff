//! The data of a run as seen by the engine's host, and which other containers can write to it.

use std::collections::HashMap;

use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{ContainerSummary, MountPoint, Volume};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListVolumesOptions};

use super::super::coverage::{clean, is_below, name_of};
use super::super::engine::failed;
use super::super::find::ContainerInfo;
use super::super::identity::Orchestrator;
use super::record::{RUN, Record};

/// The source of volumes that are not simply folders of the engine.
type Devices = HashMap<String, Device>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Device {
    /// A folder of the host (`--opt type=none --opt o=bind`).
    Folder(String),
    /// Another host's export, a disk.
    Other(String),
}

/// What a run reads or writes.
#[derive(Debug, Clone)]
pub(super) struct Data {
    run: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    mount: MountPoint,
    /// Below the mount: empty, or with a slash at its beginning.
    below: String,
}

/// Where a mount's content is, for comparison.
#[derive(Debug, Default)]
struct Origin {
    volume: Option<String>,
    device: Option<String>,
    folders: Vec<String>,
}

impl Data {
    /// What is at these paths of a container; without paths, all of its volumes.
    pub(super) fn of(original: &ContainerInfo, paths: &[String], run: &str) -> Self {
        let whole = |mount: &MountPoint| Part { mount: mount.clone(), below: String::new() };
        let mut parts: Vec<_> = paths.iter().flat_map(|path| original.volumes_below(path)).map(whole).collect();
        parts.extend(paths.iter().filter_map(|path| {
            let (mount, path) = (original.volume_of(path)?, clean(path)?);
            let point = clean(mount.destination.as_deref()?)?;
            let below = if point == "/" { Some(&*path) } else { path.strip_prefix(&*point) };
            Some(Part { mount: mount.clone(), below: below.unwrap_or_default().to_owned() })
        }));
        if paths.is_empty() {
            parts.extend(original.volumes().map(whole));
        }
        Self { run: run.to_owned(), parts }
    }

    /// The name of the volume that a mount shares with the data, if the mount is writable.
    fn written_by(&self, mount: &MountPoint, devices: &Devices) -> Option<&str> {
        if mount.rw == Some(false) || mount.typ.as_deref() == Some("tmpfs") {
            return None;
        }
        let other = Origin::of(mount, "", devices);
        let part = self.parts.iter().find(|part| Origin::of(&part.mount, &part.below, devices).overlaps(&other))?;
        Some(name_of(&part.mount))
    }

    /// Whether a container with these labels works for the same run.
    pub(super) fn is_of_this_run(&self, labels: Option<&HashMap<String, String>>) -> bool {
        labels.and_then(|labels| labels.get(RUN)).is_some_and(|run| *run == self.run)
    }

    /// The first of these mounts, through which the data can be written: what is shared, and where.
    ///
    /// # Errors
    /// If the engine does not list its volumes.
    pub(super) async fn shared(
        &self,
        docker: &Docker,
        mounts: &[MountPoint],
    ) -> Result<Option<String>, TransportError> {
        let devices = devices(docker).await?;
        Ok(mounts.iter().find_map(|mount| self.written_by(mount, &devices)).map(str::to_owned))
    }

    /// Fails if a running container can write to the data and is not stopped by the run.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`], naming all of them.
    pub(super) async fn must_have_no_writer(&self, docker: &Docker, record: &Record) -> Result<(), TransportError> {
        let options = ListContainersOptionsBuilder::default().all(false).build();
        let listed = docker.list_containers(Some(options)).await;
        let listed = listed.map_err(failed(TransportErrorKind::Unreachable, "cannot list the containers"))?;
        let is_other = |one: &ContainerSummary| {
            !one.id.as_ref().is_some_and(|id| record.holds(id)) && !self.is_of_this_run(one.labels.as_ref())
        };
        let devices = devices(docker).await?;
        let writers: Vec<_> =
            listed.iter().filter(|one| is_other(one)).filter_map(|one| self.writer(one, &devices)).collect();
        let Some(first) = writers.first() else { return Ok(()) };
        let all: Vec<_> = writers.iter().map(|writer| format!("{} ({})", writer.name, writer.shares)).collect();
        let message = match &*all {
            [one] => format!("a running container can write to the same data: {one}"),
            several => {
                format!("{} running containers can write to the same data: {}", several.len(), several.join(", "))
            }
        };
        let help = match &first.orchestrator {
            Some(orchestrator) => {
                format!("{} is {}: {} during the run", first.name, orchestrator.role, orchestrator.way_out)
            }
            None if first.is_own => format!(
                "bahub itself runs in {}: mount only what it needs there, read-only, and never the data of other containers",
                first.name
            ),
            None => format!("add {} to `also_stop`, or mount the volume read-only there", first.name),
        };
        Err(TransportError::new(TransportErrorKind::NotOwn, message).with_help(help))
    }

    fn writer(&self, container: &ContainerSummary, devices: &Devices) -> Option<Writer> {
        let shared = container.mounts.iter().flatten().find_map(|mount| {
            Some(format!("{} at {}", self.written_by(mount, devices)?, mount.destination.as_deref().unwrap_or("?")))
        })?;
        let name = container.names.as_ref().and_then(|names| names.first()).map(|name| name.trim_start_matches('/'));
        let name = name.or(container.id.as_deref()).unwrap_or_default().to_owned();
        // A container's host name is the beginning of its id, unless it was set explicitly.
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let is_own = host.len() >= 12 && container.id.as_ref().is_some_and(|id| id.starts_with(&host));
        Some(Writer {
            name,
            shares: shared,
            is_own,
            orchestrator: container.labels.as_ref().and_then(Orchestrator::of),
        })
    }
}

struct Writer {
    name: String,
    shares: String,
    is_own: bool,
    orchestrator: Option<Orchestrator>,
}

impl Origin {
    fn of(mount: &MountPoint, below: &str, devices: &Devices) -> Self {
        let volume = mount.name.clone().filter(|name| !name.is_empty());
        let mut origin = Self { volume, ..Self::default() };
        let mut add = |folder: &str| {
            if let Some(folder) = clean(folder) {
                let folder = format!("{}{below}", folder.trim_end_matches('/'));
                origin.folders.push(if folder.is_empty() { "/".into() } else { folder });
            }
        };
        add(mount.source.as_deref().unwrap_or_default());
        match mount.name.as_ref().and_then(|name| devices.get(name)) {
            Some(Device::Folder(folder)) => add(folder),
            Some(Device::Other(device)) => origin.device = Some(device.clone()),
            None => {}
        }
        origin
    }

    fn overlaps(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, another: &Option<String>| one.is_some() && one == another;
        let nested =
            |one: &String| other.folders.iter().any(|another| is_below(one, another) || is_below(another, one));
        same(&self.volume, &other.volume) || same(&self.device, &other.device) || self.folders.iter().any(nested)
    }
}

async fn devices(docker: &Docker) -> Result<Devices, TransportError> {
    let listed = docker.list_volumes(None::<ListVolumesOptions>).await;
    let listed = listed.map_err(failed(TransportErrorKind::Unreachable, "cannot list the volumes"))?;
    Ok(listed
        .volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| Some((volume.name.clone(), device_of(&volume)?)))
        .collect())
}

/// The meaning of the options of the driver `local`, which are those of mount(8).
fn device_of(volume: &Volume) -> Option<Device> {
    let option = |name: &str| volume.options.get(name).map_or("", String::as_str);
    let (kind, device) = (option("type"), option("device"));
    let mut flags = option("o").split(',');
    if device.is_empty() || kind == "tmpfs" {
        return None;
    }
    if flags.clone().any(|flag| matches!(flag, "bind" | "rbind")) {
        return Some(Device::Folder(device.to_owned()));
    }
    Some(Device::Other(format!("{kind} {} {device}", flags.find(|flag| flag.starts_with("addr=")).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerInspectResponse;

    use super::*;

    fn mount(name: &str, source: &str, at: &str) -> MountPoint {
        MountPoint {
            typ: Some(if name.is_empty() { "bind" } else { "volume" }.into()),
            name: (!name.is_empty()).then(|| name.to_owned()),
            source: Some(source.into()),
            destination: Some(at.into()),
            rw: Some(true),
            ..MountPoint::default()
        }
    }

    fn original() -> ContainerInfo {
        let mounts = vec![
            mount("data", "/docker/volumes/data/_data", "/data"),
            mount("", "/srv/app", "/app"),
            mount("", "/var/run/docker.sock", "/var/run/docker.sock"),
        ];
        let inspected = ContainerInspectResponse { mounts: Some(mounts), ..Default::default() };
        ContainerInfo { id: String::new(), name: "db".into(), inspected }
    }

    fn shares(paths: &[&str], other: &MountPoint, devices: &Devices) -> bool {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        Data::of(&original(), &paths, "run").written_by(other, devices).is_some()
    }

    #[test]
    fn a_volume_is_shared_by_its_name_and_by_every_folder_of_the_host_that_holds_it_or_lies_in_it() {
        let none = Devices::new();
        for (path, other) in [
            ("/data", mount("data", "/elsewhere", "/x")),
            ("/data/x", mount("", "/docker/volumes", "/x")),
            ("/data", mount("", "/docker/volumes/data/_data/deep", "/x")),
            ("/data", mount("", "/", "/host")),
            ("/app", mount("", "/srv/app/logs/", "/logs")),
            ("/app/logs", mount("", "/srv/app", "/x")),
            ("/", mount("data", "", "/x")),
        ] {
            assert!(shares(&[path], &other, &none), "{path} {other:?}");
            assert!(!shares(&[path], &MountPoint { rw: Some(false), ..other.clone() }, &none), "{other:?}");
        }
        for (path, other) in [
            ("/app/data", mount("", "/srv/app/logs", "/x")),
            ("/app", mount("", "/srv/application", "/x")),
            ("/app", mount("data", "/docker/volumes/data/_data", "/x")),
            ("/data", mount("", "/var/run/docker.sock", "/x")),
        ] {
            assert!(!shares(&[path], &other, &none), "{path} {other:?}");
        }
        assert!(shares(&[], &mount("", "/var/run/docker.sock", "/x"), &none), "without paths every mount counts");
    }

    #[test]
    fn a_volume_of_another_name_may_have_the_same_folder_or_export() {
        let volume = |options: &[(&str, &str)]| {
            let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            device_of(&Volume { options, ..Volume::default() })
        };
        let folder = volume(&[("type", "none"), ("o", "bind"), ("device", "/srv/app")]).unwrap();
        assert_eq!(folder, Device::Folder("/srv/app".into()));
        let devices = Devices::from([("other".to_owned(), folder)]);
        assert!(shares(&["/app"], &mount("other", "/docker/volumes/other/_data", "/x"), &devices));
        let export = [("type", "nfs"), ("o", "addr=10.0.0.1,rw"), ("device", ":/export")];
        let devices =
            Devices::from([("data".to_owned(), volume(&export).unwrap()), ("nfs".into(), volume(&export).unwrap())]);
        assert!(shares(&["/data"], &mount("nfs", "/docker/volumes/nfs/_data", "/x"), &devices));
        assert_eq!(volume(&[("type", "tmpfs"), ("device", "tmpfs")]), None);
    }
}

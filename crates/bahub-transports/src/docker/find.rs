//! The selected container, and whether anything can run in it.

use std::collections::HashMap;

use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, HealthStatusEnum, MountPoint,
};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};

use super::engine::{failed, status};

/// A container as it was found.
#[derive(Debug, Clone)]
pub(super) struct ContainerInfo {
    pub(super) id: String,
    /// Without the slash that the engine writes.
    pub(super) name: String,
    pub(super) inspected: ContainerInspectResponse,
}

impl ContainerInfo {
    pub(super) fn status(&self) -> ContainerStateStatusEnum {
        self.inspected.state.as_ref().and_then(|state| state.status).unwrap_or(ContainerStateStatusEnum::EMPTY)
    }

    /// When it was last started, as the engine writes it.
    pub(super) fn started(&self) -> String {
        let started = self.inspected.state.as_ref().and_then(|state| state.started_at.as_ref());
        started.map(ToString::to_string).unwrap_or_default()
    }

    /// The state of its health check, if it has one.
    pub(super) fn health(&self) -> Option<HealthStatusEnum> {
        self.inspected.state.as_ref()?.health.as_ref()?.status
    }

    /// Whether programs run in it, or would if it were not paused.
    pub(super) fn is_up(&self) -> bool {
        use ContainerStateStatusEnum::{PAUSED, RESTARTING, RUNNING};
        matches!(self.status(), RUNNING | PAUSED | RESTARTING)
    }

    /// The mounts of a kind that outlives the container's processes: volumes and folders of the host.
    pub(super) fn volumes(&self) -> impl Iterator<Item = &MountPoint> {
        self.inspected.mounts.iter().flatten().filter(|mount| mount.typ.as_deref() != Some("tmpfs"))
    }

    pub(super) fn labels(&self) -> Option<&HashMap<String, String>> {
        self.inspected.config.as_ref()?.labels.as_ref()
    }

    /// Folders in memory: what the archive API writes there is not visible in the container.
    pub(super) fn in_memory(&self) -> Vec<&str> {
        let host = self.inspected.host_config.as_ref();
        let tmpfs = host.and_then(|host| host.tmpfs.as_ref()).into_iter().flat_map(|tmpfs| tmpfs.keys());
        let mounted = self.inspected.mounts.iter().flatten();
        let mounted = mounted.filter(|mount| mount.typ.as_deref() == Some("tmpfs"));
        let mounted = mounted.filter_map(|mount| mount.destination.as_deref());
        tmpfs.map(String::as_str).chain(mounted).chain(["/dev", "/proc", "/sys"]).collect()
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.inspected.host_config.as_ref().and_then(|host| host.readonly_rootfs).unwrap_or(false)
    }

    /// # Errors
    /// If commands cannot run in it, naming its state and a remedy.
    pub(super) fn must_run(&self) -> Result<(), TransportError> {
        let name = &self.name;
        let help = match self.status() {
            ContainerStateStatusEnum::RUNNING => return Ok(()),
            ContainerStateStatusEnum::PAUSED => format!("docker unpause {name}"),
            ContainerStateStatusEnum::RESTARTING => format!("it keeps crashing: docker logs {name}"),
            _ => format!("docker start {name}; or make a cold backup with bahub.transports.docker_sidecontainer"),
        };
        let message = format!("the container {name} is not running (status: {})", self.status());
        Err(TransportError::new(TransportErrorKind::Unreachable, message).with_help(help))
    }
}

/// Finds the one container that a name, an id, or a selector matches.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if none or several match.
pub(super) async fn find(docker: &Docker, wanted: &str) -> Result<ContainerInfo, TransportError> {
    let label = match wanted.split_once(':') {
        Some(("label", label)) => vec![label.trim().to_owned()],
        Some(("compose", service)) => compose(wanted, service.trim())?,
        _ => return inspect(docker, wanted).await,
    };
    let filters = HashMap::from([("label".to_owned(), label)]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await;
    let listed = listed.map_err(failed(TransportErrorKind::Unreachable, "cannot list the containers"))?;
    let is_passing = |one: &ContainerSummary| {
        one.labels.as_ref().and_then(|labels| labels.get("com.docker.compose.oneoff")).is_some_and(|is| is == "True")
    };
    let listed = listed.into_iter().filter(|one| !is_passing(one));
    let all: Vec<_> = listed.filter_map(|one| Some((one.id?, one.names?.first()?.clone()))).collect();
    match &*all {
        [(id, _)] => inspect(docker, id).await,
        [] => Err(missing(wanted)),
        several => {
            let names: Vec<_> = several.iter().map(|(_, name)| name.trim_start_matches('/')).collect();
            let message = format!("{wanted} matches {} containers: {}", names.len(), names.join(", "));
            let help = "set the name of one of them, or a label that only one has";
            Err(TransportError::new(TransportErrorKind::Unreachable, message).with_help(help))
        }
    }
}

/// The labels that compose gives to the containers of a service.
fn compose(wanted: &str, service: &str) -> Result<Vec<String>, TransportError> {
    let Some((project, service)) =
        service.split_once('/').filter(|(project, name)| !project.is_empty() && !name.is_empty())
    else {
        let message = format!("{wanted:?} is not a service of a compose project");
        return Err(
            TransportError::new(TransportErrorKind::Unreachable, message).with_help("write compose:PROJECT/SERVICE")
        );
    };
    Ok(vec![format!("com.docker.compose.project={project}"), format!("com.docker.compose.service={service}")])
}

/// What the engine knows about a container.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if there is none.
pub(super) async fn inspect(docker: &Docker, id: &str) -> Result<ContainerInfo, TransportError> {
    look(docker, id).await?.ok_or_else(|| missing(id))
}

/// The same; none if it does not exist.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if the engine does not answer.
pub(super) async fn look(docker: &Docker, id: &str) -> Result<Option<ContainerInfo>, TransportError> {
    let what = format!("cannot inspect the container {id}");
    let inspected = match docker.inspect_container(id, None::<InspectContainerOptions>).await {
        Err(error) if status(&error) == Some(404) => return Ok(None),
        other => other.map_err(failed(TransportErrorKind::Unreachable, what))?,
    };
    let name = inspected.name.as_deref().unwrap_or(id).trim_start_matches('/').to_owned();
    Ok(Some(ContainerInfo { id: inspected.id.clone().unwrap_or_else(|| id.to_owned()), name, inspected }))
}

fn missing(wanted: &str) -> TransportError {
    let message = match wanted.contains(':') {
        true => format!("no container matches {wanted}"),
        false => format!("no container named \"{wanted}\""),
    };
    TransportError::new(TransportErrorKind::Unreachable, message).with_help("docker ps --all lists what there is")
}

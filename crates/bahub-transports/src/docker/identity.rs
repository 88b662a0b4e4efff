//! The identity of a container, and what else manages it.

use std::collections::HashMap;

use bahub_core::instance::{Identity, InstanceKind};

use super::find::ContainerInfo;

/// How many digits of an id `docker ps` shows.
const SHORT: usize = 12;

impl ContainerInfo {
    /// The container as an instance, on the engine of this id. It contains nothing of its environment, which may have secrets.
    pub(super) fn identity(&self, engine: &str) -> Identity {
        let config = self.inspected.config.as_ref();
        let image = config.and_then(|config| config.image.clone()).unwrap_or_default();
        let mut volumes: Vec<_> =
            self.volumes().filter_map(|mount| mount.name.as_deref().or(mount.source.as_deref())).collect();
        volumes.sort_unstable();
        volumes.dedup();
        Identity::new(InstanceKind::Container, self.workload())
            .with("engine", engine)
            .with("id", self.id.get(..SHORT).unwrap_or(&self.id))
            .with("image", image)
            .with("volumes", volumes.join(", "))
    }

    /// What stays the same when the container is recreated.
    fn workload(&self) -> String {
        let label = |name: &str| self.labels()?.get(name).map(String::as_str).filter(|value| !value.is_empty());
        if let Some(service) = label("com.docker.swarm.service.name") {
            return format!("service {service}");
        }
        match (label("com.docker.compose.project"), label("com.docker.compose.service")) {
            (Some(project), Some(service)) if label("com.docker.compose.oneoff") != Some("True") => {
                format!("compose {project}/{service}")
            }
            _ => self.name.clone(),
        }
    }
}

/// Something that starts containers again when they stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orchestrator {
    /// The container's role for it: `a task of the Swarm service shop_db`.
    pub(super) role: String,
    /// How to keep it down.
    pub(super) way_out: String,
}

impl Orchestrator {
    /// The one that a container with these labels belongs to.
    pub(super) fn of(labels: &HashMap<String, String>) -> Option<Self> {
        let label = |name: &str| labels.get(name).map(String::as_str);
        let named = |role: String, way_out: String| Some(Self { role, way_out });
        if let Some(service) = label("com.docker.swarm.service.name").or_else(|| label("com.docker.swarm.task.id")) {
            return named(
                format!("a task of the Swarm service {service}"),
                format!("docker service scale {service}=0"),
            );
        }
        if let Some(allocation) = label("com.hashicorp.nomad.alloc_id") {
            let job = label("com.hashicorp.nomad.job_name").unwrap_or("JOB");
            return named(
                format!("part of the Nomad allocation {allocation}"),
                format!("nomad job scale {job} GROUP 0"),
            );
        }
        let pod = label("io.kubernetes.pod.name").or_else(|| label("io.kubernetes.pod.uid"))?;
        named(format!("part of the Kubernetes pod {pod}"), "kubectl scale --replicas=0".into())
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, ContainerInspectResponse, MountPoint};

    use super::*;

    fn container(name: &str, labels: &[(&str, &str)], mounts: &[(&str, &str, &str)]) -> ContainerInfo {
        let mounts = mounts.iter().map(|&(typ, name, source)| MountPoint {
            typ: Some(typ.into()),
            name: (!name.is_empty()).then(|| name.into()),
            source: Some(source.into()),
            ..MountPoint::default()
        });
        let config = ContainerConfig {
            image: Some("mariadb:11".into()),
            labels: Some(labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()),
            env: Some(vec!["MARIADB_ROOT_PASSWORD=hunter2".into()]),
            ..ContainerConfig::default()
        };
        let inspected =
            ContainerInspectResponse { config: Some(config), mounts: Some(mounts.collect()), ..Default::default() };
        ContainerInfo { id: "0123456789abcdef".repeat(4), name: name.into(), inspected }
    }

    #[test]
    fn a_service_of_compose_stays_itself_when_its_container_is_recreated() {
        let labels = [("com.docker.compose.project", "shop"), ("com.docker.compose.service", "db")];
        let mounts = [("volume", "db", "/volumes/db"), ("bind", "", "/etc/my.cnf"), ("tmpfs", "", "")];
        let identity = container("shop-db-1", &labels, &mounts).identity("e");
        let text = identity.to_string();
        assert_eq!(
            text,
            "container compose shop/db (engine e, id 0123456789ab, image mariadb:11, volumes /etc/my.cnf, db)"
        );
        assert!(!format!("{identity:?}").contains("hunter2"));
        let mut recreated = container("shop-db-1", &labels, &mounts);
        recreated.id = "f".repeat(64);
        assert_eq!(identity.differs_from(&recreated.identity("e")), None, "the data is the same");
        let passing = [&labels[..], &[("com.docker.compose.oneoff", "True")]].concat();
        assert_eq!(container("shop-db-run-1", &passing, &[]).identity("e").workload, "shop-db-run-1");
        assert!(!container("bare", &[], &[("tmpfs", "", "")]).identity("e").details.contains_key("volumes"));
    }

    #[test]
    fn what_an_orchestrator_manages_is_known_by_its_labels() {
        let of = |labels: &[(&str, &str)]| {
            Orchestrator::of(&labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
        };
        let swarm = of(&[("com.docker.swarm.task.id", "x"), ("com.docker.swarm.service.name", "web")]).unwrap();
        assert_eq!((&*swarm.role, &*swarm.way_out), ("a task of the Swarm service web", "docker service scale web=0"));
        assert!(of(&[("com.hashicorp.nomad.alloc_id", "x")]).unwrap().role.contains("Nomad"));
        assert!(of(&[("io.kubernetes.pod.uid", "x")]).unwrap().role.contains("Kubernetes"));
        assert_eq!(of(&[("com.docker.compose.project", "shop")]), None);
    }
}

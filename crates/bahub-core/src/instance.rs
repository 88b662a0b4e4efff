//! Whose data a session has: the instance it is connected to, and whether a path is that instance's own.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::advice::Advice;

/// The instance of a workload that a session is connected to, without secrets.
///
/// It is recorded in the report, in the head of the version and in the version's description, so that a restore can tell
/// whether it goes back to where the data came from.
///
/// ```
/// use bahub_core::instance::{Difference, Identity, InstanceKind};
///
/// let monday = Identity::new(InstanceKind::Container, "shop-db").with("id", "3f2a");
/// let tuesday = Identity::new(InstanceKind::Container, "shop-db").with("id", "99c1");
/// assert_eq!(monday.differs_from(&tuesday), Some(Difference::Instance));
/// let other = Identity::new(InstanceKind::Container, "blog-db").with("id", "5b07");
/// assert_eq!(monday.differs_from(&other), Some(Difference::Workload));
/// assert_eq!(monday.differs_from(&monday.clone()), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What kind of thing it is.
    pub kind: InstanceKind,
    /// What stays the same when the instance is replaced: a host's name, a container's name, `statefulset shop/db`.
    pub workload: String,
    /// What distinguishes this instance from others of the workload, and what a person wants to know of it: `id`, `image`,
    /// `volumes`, `pod`, `uid`, `node`, `claims`, `machine`, `engine`.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
}

/// What kind of thing an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InstanceKind {
    /// A machine, or a namespace of one that is treated as such.
    Host,
    /// A container of a Docker Engine.
    Container,
    /// A pod of a Kubernetes cluster.
    Pod,
    /// What another version of bahub, or a third party's transport, knows.
    #[serde(other)]
    Other,
}

impl fmt::Display for InstanceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Container => "container",
            Self::Pod => "pod",
            Self::Other => "instance",
        })
    }
}

/// How two instances differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The same workload, another instance of it: a container that was recreated, another pod of a StatefulSet.
    Instance,
    /// Another workload, or another kind of thing.
    Workload,
}

/// The details that name an instance among those of its workload; the others may change while it lives on.
const NAMING: [&str; 5] = ["id", "machine", "pod", "claims", "volumes"];

impl Identity {
    /// An instance of this workload.
    pub fn new(kind: InstanceKind, workload: impl Into<String>) -> Self {
        Self { kind, workload: workload.into(), details: BTreeMap::new() }
    }

    /// Adds a detail; an empty one is left out.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.details.insert(name.into(), value);
        }
        self
    }

    /// How this instance differs from another one; none where they are the same.
    ///
    /// Two instances of one workload that hold the same claims or the same volumes are one: those are the data.
    pub fn differs_from(&self, other: &Self) -> Option<Difference> {
        let both = |name: &str| Some((self.details.get(name)?, other.details.get(name)?));
        if (self.kind, other.kind) == (InstanceKind::Host, InstanceKind::Host) {
            return self.host_differs_from(other);
        }
        let elsewhere = both("engine").is_some_and(|(one, another)| one != another);
        if (self.kind, &self.workload) != (other.kind, &other.workload) || elsewhere {
            return Some(Difference::Workload);
        }
        for data in ["claims", "volumes"] {
            if let Some((one, another)) = both(data) {
                return (one != another).then_some(Difference::Instance);
            }
        }
        let differs = NAMING.iter().filter_map(|name| both(name)).any(|(one, another)| one != another);
        differs.then_some(Difference::Instance)
    }

    /// A host is known by its machine: it may be renamed. One without, most often a container, has a random name.
    fn host_differs_from(&self, other: &Self) -> Option<Difference> {
        let (machine, others) = (self.details.get("machine"), other.details.get("machine"));
        let is_same_name = self.workload == other.workload;
        match (machine, others) {
            (Some(machine), Some(others)) if machine == others => None,
            (Some(_), Some(_)) | (None, None) if is_same_name => machine.map(|_| Difference::Instance),
            (None, None) => Some(Difference::Instance),
            _ if is_same_name => None,
            _ => Some(Difference::Workload),
        }
    }
}

/// `container shop-db (id 3f2a, image mariadb:11)`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.workload)?;
        let details: Vec<_> =
            self.details.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
        if details.is_empty() { Ok(()) } else { write!(f, " ({})", details.join(", ")) }
    }
}

/// Whether an instance has a path as its own data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// The session sees the instance's own file system there.
    Own,
    /// The path lies on this volume, claim or folder of the instance.
    Volume(String),
    /// It is the instance's own, but something that belongs below it is not there: a disk that is not mounted.
    Incomplete {
        /// What is missing, in a phrase that follows the path.
        reason: String,
    },
    /// What the session would read there is not the instance's: a file of another image, an empty folder of a helper, a
    /// disk that is not mounted.
    NotOwn {
        /// Why, in a phrase that follows the path: `lies on no volume of the container shop-db`.
        reason: String,
        /// What to do, naming where the instance's own data is.
        help: Advice,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, machine: &str) -> Identity {
        Identity::new(InstanceKind::Host, name).with("machine", machine)
    }

    #[test]
    fn a_host_is_known_by_its_machine_and_one_without_by_its_name() {
        assert_eq!(host("web1", "a").differs_from(&host("web2", "a")), None, "it was renamed");
        assert_eq!(host("web1", "a").differs_from(&host("web1", "b")), Some(Difference::Instance), "it was rebuilt");
        assert_eq!(host("web1", "a").differs_from(&host("web2", "b")), Some(Difference::Workload));
        assert_eq!(host("3f2a", "").differs_from(&host("99c1", "")), Some(Difference::Instance), "two containers");
        assert_eq!(host("web1", "").differs_from(&host("web1", "a")), None);
        assert_eq!(host("web1", "").differs_from(&host("web2", "a")), Some(Difference::Workload));
    }

    #[test]
    fn the_same_volumes_are_the_same_data_on_one_engine_only() {
        let on = |engine: &str, id: &str, volumes: &str| {
            let identity = Identity::new(InstanceKind::Container, "compose shop/db").with("engine", engine);
            identity.with("id", id).with("volumes", volumes)
        };
        assert_eq!(on("e", "1", "shop_db").differs_from(&on("e", "2", "shop_db")), None);
        assert_eq!(on("e", "1", "shop_db").differs_from(&on("e", "1", "other")), Some(Difference::Instance));
        assert_eq!(on("e", "1", "shop_db").differs_from(&on("f", "2", "shop_db")), Some(Difference::Workload));
    }
}

//! Where bahub runs commands: the local shell and far places, one cargo feature each.
//!
//! | feature | type | runs commands |
//! |---|---|---|
//! | `sh` | `bahub.transports.sh` | on this host, with this process's own rights |
//! | `docker` | `bahub.transports.docker` | in a container of a Docker Engine |
//! | `docker` | `bahub.transports.docker_sidecontainer` | in a container beside another one, which is stopped meanwhile |
//! | `kubernetes` | `bahub.transports.kubernetes_podexec` | in a container of a pod of a Kubernetes cluster |
//! | `kubernetes` | `bahub.transports.kubernetes_sidepod` | in a pod beside another one, which may be scaled down meanwhile |
//! | `ssh` | `bahub.transports.ssh` | on a host that OpenSSH's client reaches |

#[cfg(any(feature = "sh", feature = "ssh"))]
mod child_stdin;
#[cfg(feature = "docker")]
pub mod docker;
#[cfg(any(feature = "sh", feature = "ssh"))]
mod host;
#[cfg(any(feature = "docker", feature = "ssh"))]
mod kept;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(any(feature = "docker", feature = "kubernetes"))]
mod lease;
#[cfg(any(feature = "docker", feature = "kubernetes"))]
mod marked;
mod register;
#[cfg(feature = "sh")]
pub mod sh;
#[cfg(feature = "ssh")]
pub mod ssh;

pub use register::register;

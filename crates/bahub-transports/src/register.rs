//! The transports in this crate.

use bahub_core::registry::RegistryBuilder;

/// Adds every transport in this build, and names those that are not.
pub fn register(builder: &mut RegistryBuilder) {
    #[cfg(feature = "sh")]
    builder.transport::<crate::sh::Sh>();
    #[cfg(not(feature = "sh"))]
    without(builder, "bahub.transports.sh", &[], "the cargo feature `sh` of bahub-transports");
    #[cfg(feature = "docker")]
    builder.transport::<crate::docker::Docker>().transport::<crate::docker::SideContainer>();
    #[cfg(not(feature = "docker"))]
    for (container, aliases) in [
        ("bahub.transports.docker", &[][..]),
        (
            "bahub.transports.docker_sidecontainer",
            &["bahub.transports.sidedocker", "bahub.transports.temporarydocker", "sidedocker", "temporarydocker"],
        ),
    ] {
        without(builder, container, aliases, "the cargo feature `docker` of bahub-transports");
    }
    #[cfg(feature = "ssh")]
    builder.transport::<crate::ssh::Ssh>();
    #[cfg(not(feature = "ssh"))]
    without(builder, "bahub.transports.ssh", &[], "the cargo feature `ssh` of bahub-transports");
    #[cfg(feature = "kubernetes")]
    builder.transport::<crate::kubernetes::PodExec>().transport::<crate::kubernetes::SidePod>();
    #[cfg(not(feature = "kubernetes"))]
    for pod in ["bahub.transports.kubernetes_podexec", "bahub.transports.kubernetes_sidepod"] {
        without(builder, pod, &[], "the cargo feature `kubernetes` of bahub-transports");
    }
}

#[cfg(not(all(feature = "sh", feature = "docker", feature = "ssh", feature = "kubernetes")))]
fn without(
    builder: &mut RegistryBuilder,
    type_name: &'static str,
    aliases: &'static [&'static str],
    brought_by: &'static str,
) {
    use bahub_core::registry::{Absent, Kind};
    builder.absent(Kind::Transport, Absent { type_name, aliases, brought_by });
}

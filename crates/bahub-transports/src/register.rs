//! Which transports this crate brings.

use bahub_core::registry::{Absent, Kind, RegistryBuilder};

/// Transports of the original that come with a later version.
const LATER: &[(&str, &[&str])] = &[
    ("bahub.transports.docker", &[]),
    (
        "bahub.transports.docker_sidecontainer",
        &["sidedocker", "temporarydocker", "bahub.transports.sidedocker", "bahub.transports.temporarydocker"],
    ),
    ("bahub.transports.ssh", &[]),
    ("bahub.transports.kubernetes_podexec", &[]),
    ("bahub.transports.kubernetes_sidepod", &[]),
];

/// Adds every transport that this build holds, and names those that it does not.
pub fn register(builder: &mut RegistryBuilder) {
    #[cfg(feature = "sh")]
    builder.transport::<crate::sh::Sh>();
    #[cfg(not(feature = "sh"))]
    builder.absent(
        Kind::Transport,
        Absent {
            type_name: "bahub.transports.sh",
            aliases: &[],
            brought_by: "the cargo feature `sh` of bahub-transports",
        },
    );
    for &(type_name, aliases) in LATER {
        let brought_by = "a later version of bahub-transports";
        builder.absent(Kind::Transport, Absent { type_name, aliases, brought_by });
    }
}

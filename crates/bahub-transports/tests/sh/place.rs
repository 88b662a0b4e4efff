//! This host, opened.

use bahub_core::event::Events;
use bahub_core::registry::{Component, RegistryBuilder, Unregistered};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Exec, Locality, Process, Session, Transport};
use bahub_transports::sh::{Sh, ShConfig};

pub(crate) async fn open() -> Box<dyn Session> {
    let cx = RunContext::new("test", RunPurpose::Backup, Events::ignored()).unwrap();
    Sh::from_config(ShConfig::default(), &()).unwrap().open(&cx).await.unwrap()
}

pub(crate) async fn sh(session: &mut dyn Session, script: &str) -> Process {
    session.exec(&Exec::new(["sh", "-c", script])).await.unwrap()
}

/// Whether the process runs: a zombie does not.
pub(crate) fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

#[tokio::test]
async fn the_place_is_here() {
    assert_eq!(open().await.locality(), Locality::Here);
}

#[test]
fn the_example_parses_and_builds_by_the_registry() {
    let mut builder = RegistryBuilder::new();
    bahub_transports::register(&mut builder);
    let registry = builder.build().unwrap();
    let entry = registry.transport(Sh::TYPE).unwrap();
    entry.build(serde_yaml::from_str(entry.example).unwrap(), &()).unwrap();
    assert!(entry.build(serde_json::json!({ "shell": "/bin/sh" }), &()).is_err(), "an unknown field");
    let docker = ["sidedocker", "bahub.transports.temporarydocker", "bahub.transports.docker"];
    let kubernetes = ["bahub.transports.kubernetes_sidepod", "bahub.transports.kubernetes_podexec"];
    for (names, is_built) in [(&docker[..], cfg!(feature = "docker")), (&kubernetes, cfg!(feature = "kubernetes"))] {
        for name in names {
            let found = registry.transport(name);
            assert_eq!(found.is_ok(), is_built, "{name}");
            assert!(is_built || matches!(found, Err(Unregistered::Absent(_))), "{name}");
        }
    }
}

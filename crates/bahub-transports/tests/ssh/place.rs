//! The component, and its connection.

use bahub_core::registry::{Component, RegistryBuilder};
use bahub_core::transport::Locality;
use bahub_testkit::fixtures::Sshd;
use bahub_transports::ssh::Ssh;
use serde_json::json;

use crate::support::{open, transport};

#[test]
fn the_example_parses_and_builds_by_the_registry() {
    let mut builder = RegistryBuilder::new();
    bahub_transports::register(&mut builder);
    let registry = builder.build().unwrap();
    let entry = registry.transport(Ssh::TYPE).unwrap();
    entry.build(serde_yaml::from_str(entry.example).unwrap(), &()).unwrap();
    assert!(entry.build(json!({ "host": "a", "prot": 22 }), &()).is_err(), "an unknown field");
    assert!(entry.build(json!({ "host": "-oProxyCommand=id" }), &()).is_err(), "an option for a host");
    assert!(entry.build(json!({}), &()).is_err(), "no host");
    assert!(entry.build(json!({ "host": "a", "port": 65536 }), &()).is_err(), "no port");
}

#[tokio::test]
async fn the_place_is_elsewhere_and_one_connection_serves_all() {
    let sshd = Sshd::start();
    let mut session = open(&transport(sshd.spec(), json!({}))).await.unwrap();
    assert_eq!(session.locality(), Locality::Remote);
    let mut running = Vec::new();
    for _ in 0..5 {
        running.push(crate::support::start(&mut *session, "exec sleep 1000").await);
    }
    assert_eq!(sshd.connections().len(), 1);
    session.close().await.unwrap();
}

#[tokio::test]
async fn the_users_own_configuration_applies() {
    let sshd = Sshd::start();
    let config = format!(
        "Host db\nHostName 127.0.0.1\nPort {}\nIdentityFile {}\n",
        sshd.port(),
        sshd.file("user_key").display()
    );
    std::fs::write(sshd.file("ssh_config"), config).unwrap();
    let spec = json!({
        "host": "db",
        "known_hosts": sshd.file("known_hosts"),
        "config_file": sshd.file("ssh_config"),
    });
    open(&transport(spec, json!({}))).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn the_users_and_the_systems_files_are_read_where_no_other_is_named() {
    let sshd = Sshd::start();
    let mut spec = sshd.spec();
    spec.as_object_mut().unwrap().remove("config_file");
    open(&transport(spec, json!({}))).await.unwrap().close().await.unwrap();
}

//! Where an agent is placed, and what is reported if no place is suitable.

use bahub_core::transport::{PutFile, TransportError};
use bahub_testkit::fixtures::{Kubernetes, Namespace, container, pod};
use serde_json::json;

use super::support::{open, transport};

const FILE: PutFile<'static> = PutFile { name: "program", content: b"#!/bin/sh\nexit 0\n", mode: 0o500 };

async fn placed(namespace: &Namespace, app: &str) -> Result<String, TransportError> {
    namespace.ready(&format!("app={app}"));
    let mut session = open(&transport(namespace, &format!("app={app}"), json!({}))).await?;
    let put = session.put(FILE).await;
    session.close().await.unwrap();
    put.map(|placed| placed.0)
}

fn makes(namespace: &Namespace, app: &str, more: &str, of_container: &str) {
    namespace.apply(&pod(app, more, &container("main", "busybox", of_container)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_found_for_each_user_and_each_kind_of_volume() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("places");
    let volume = |path: &str| format!(", volumeMounts: [{{name: data, mountPath: {path}}}]");
    let read_only = ", securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";
    let data = "volumes: [{name: data, emptyDir: {}}]";
    makes(&namespace, "other-user", "securityContext: {runAsUser: 1234, runAsNonRoot: true}", "");
    makes(&namespace, "volume", data, &format!("{read_only}{}", volume("/data")));
    makes(&namespace, "tmp", data, &format!("{read_only}{}", volume("/tmp")));
    for (app, folder) in [("other-user", "/tmp"), ("volume", "/data"), ("tmp", "/tmp")] {
        let path = placed(&namespace, app).await.unwrap();
        assert!(path.starts_with(&format!("{folder}/bahub-")), "{app}: {path}");
        assert_eq!(namespace.sh(app, "main", &format!("ls -A {folder}")), "", "{app}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_a_place_names_what_was_tried() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("nowhere");
    makes(&namespace, "read-only", "", ", securityContext: {readOnlyRootFilesystem: true}");
    let error = placed(&namespace, "read-only").await.unwrap_err();
    let message = format!("{} | {}", error.chain(), error.help().unwrap());
    for part in
        ["container main", "pod read-only", "/tmp: ", "/var/tmp: ", "Read-only file system", "kubernetes_sidepod"]
    {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_shell_is_for_the_side_pod() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("bare");
    namespace.apply(&pod("bare", "", &container("main", "bare", ", command: [/busybox, sleep, \"1000000\"]")));
    namespace.ready("app=bare");
    let mut session = open(&transport(&namespace, "app=bare", json!({}))).await.unwrap();
    let errors = [session.machine().await.unwrap_err(), session.put(FILE).await.unwrap_err()];
    for error in errors {
        let message = format!("{} | {}", error.chain(), error.help().unwrap());
        for part in ["container main", "pod bare", "no sh", "bahub.transports.kubernetes_sidepod"] {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    }
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_placed_without_tar_and_by_a_program_that_is_no_busybox() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("no-tar");
    makes(&namespace, "no-tar", "", ", command: [sh, -c, \"rm /bin/tar /bin/cpio; sleep 1000000 & wait\"]");
    placed(&namespace, "no-tar").await.unwrap();
    // Again: the removed folder is created again.
    let mut session = open(&transport(&namespace, "app=no-tar", json!({}))).await.unwrap();
    let first = session.put(FILE).await.unwrap().0;
    let folder = first.rsplit_once('/').unwrap().0;
    namespace.sh("no-tar", "main", &format!("rm -r {folder}"));
    let second = session.put(FILE).await.unwrap().0;
    assert_ne!(first, second);
    let twice = session.put(FILE).await.unwrap_err();
    assert!(twice.chain().contains("it already exists"), "{}", twice.chain());
    session.close().await.unwrap();
    assert_eq!(namespace.sh("no-tar", "main", "ls -A /tmp"), "");
}

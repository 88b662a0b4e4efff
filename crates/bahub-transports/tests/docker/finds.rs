//! Which container is selected, and what is reported if commands cannot run in it.

use serde_json::json;

use super::support::{ENGINE, open, transport};

async fn refusal(container: &str) -> String {
    let error = open(&transport(container, json!({}))).await.err().unwrap();
    format!("{} | {}", error.chain(), error.help().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_found_by_name_id_label_and_service() {
    let labels = ["com.example.role=db", "com.docker.compose.project=shop", "com.docker.compose.service=db"];
    let options = labels.iter().flat_map(|label| ["--label", label]).collect::<Vec<_>>();
    let name = ENGINE.container("found", &options);
    let id = ENGINE.docker(&["inspect", "--format", "{{.Id}}", &name]);
    for wanted in [&*name, &id, &id[..12], "label:com.example.role=db", "compose:shop/db", "compose: shop/db"] {
        open(&transport(wanted, json!({}))).await.unwrap().close().await.unwrap();
    }
    ENGINE.container("found-2", &options);
    let message = refusal("compose:shop/db").await;
    assert!(message.contains("matches 2 containers") && message.contains("found-2"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_does_not_run_is_a_clear_error() {
    for (name, change, says) in [("paused", "pause", "status: paused"), ("stopped", "kill", "status: exited")] {
        ENGINE.container(name, &[]);
        ENGINE.docker(&[change, name]);
        let message = refusal(name).await;
        assert!(message.contains(says) && message.contains("docker "), "{message}");
    }
    assert!(refusal("nobody").await.contains("no container named \"nobody\" | docker ps --all"));
    assert!(refusal("compose:shop").await.contains("compose:PROJECT/SERVICE"));
    let elsewhere = transport("x", json!({ "docker_host": "unix:///nonexistent/socket" }));
    let error = open(&elsewhere).await.err().unwrap();
    assert!(
        error.chain().contains("cannot reach the Docker Engine at unix:///nonexistent/socket"),
        "{}",
        error.chain()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_a_place_names_what_was_tried() {
    let name = ENGINE.container("nowhere", &["--read-only", "--tmpfs", "/tmp"]);
    let mut session = open(&transport(&name, json!({ "helper": "never" }))).await.unwrap();
    let file = bahub_core::transport::PutFile { name: "x", content: b"x", mode: 0o500 };
    let error = session.put(file).await.unwrap_err();
    for said in ["/tmp: in memory", "/var/tmp: the container's root is read-only"] {
        assert!(error.chain().contains(said), "{}", error.chain());
    }
    session.close().await.unwrap();
    let name = ENGINE.container("volume", &["--read-only", "--tmpfs", "/tmp", "--volume", "/data"]);
    let mut session = open(&transport(&name, json!({}))).await.unwrap();
    let placed = session.put(file).await.unwrap();
    assert!(placed.0.starts_with("/data/bahub-"), "{placed:?}");
    session.close().await.unwrap();
    assert_eq!(ENGINE.docker(&["exec", &name, "ls", "/data"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_allows_no_execution_is_passed_over_and_named() {
    ENGINE.docker(&["volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=noexec", "noexec"]);
    let content = std::fs::read(bahub_testkit::fixtures::agent_program()).unwrap();
    let agent = bahub_core::transport::PutFile { name: "backup-maker", content: &content, mode: 0o555 };
    let options = ["--read-only", "--volume", "noexec:/a-noexec"];
    let name = ENGINE.container("noexec", &options);
    let mut session = open(&transport(&name, json!({}))).await.unwrap();
    let message = session.put(agent).await.unwrap_err().chain();
    assert!(message.contains("/a-noexec: it does not allow execution (mounted noexec?)"), "{message}");
    session.close().await.unwrap();
    let name = ENGINE.container("noexec-and-another", &[&options[..], &["--volume", "/b-exec"]].concat());
    let mut session = open(&transport(&name, json!({}))).await.unwrap();
    let placed = session.put(agent).await.unwrap();
    assert!(placed.0.starts_with("/b-exec/bahub-"), "{placed:?}");
    session.close().await.unwrap();
    assert_eq!(ENGINE.docker(&["exec", &name, "ls", "-A", "/a-noexec", "/b-exec"]), "/a-noexec:\n\n/b-exec:");
}

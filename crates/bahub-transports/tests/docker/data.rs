//! A run has the original's own data, or none.

use std::sync::Arc;

use bahub_adapters::filesystem::Filesystem;
use bahub_core::engine::RunErrorKind;
use bahub_core::instance::{Coverage, InstanceKind};
use bahub_core::registry::Component;
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::{EngineRoom, agent_program};
use serde_json::json;

use super::support::{ENGINE, open, side, started, transport};

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_side_containers_own_image_is_refused_before_anything_is_stopped() {
    ENGINE.container("own", &["--volume", "own:/data"]);
    let before = started(&ENGINE, "own");
    let transport = Arc::new(side(&ENGINE, "own", json!({ "stop_timeout": 1 })));
    let room = EngineRoom::new().with_transport(transport).with_agent_program(agent_program());
    let files = |path: &str| {
        let spec = json!({ "paths": [path] });
        Arc::new(Filesystem::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap())
    };
    for path in ["/etc", "/var/tmp", "/"] {
        let plan = room.plan(files(path), MemorySink::shared("own"));
        let error = room.backup(&plan).await.error.unwrap();
        let message = format!("{} | {}", error.chain(), error.help().unwrap());
        assert_eq!(error.kind(), RunErrorKind::Preflight, "{message}");
        assert!(
            message.contains("not on a volume of the container own") && message.contains("/data (own)"),
            "{message}"
        );
        assert_eq!(room.backup(&plan).await.report.version, None);
    }
    assert_eq!(started(&ENGINE, "own"), before);
    let made = room.backup(&room.plan(files("/data"), MemorySink::shared("own"))).await;
    assert!(made.error.is_none() && made.report.version.is_some(), "{:?}", made.error);
    assert!(made.report.downtime_seconds.is_some());
    assert_eq!(made.report.instance.unwrap().workload, "own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_container_has_the_volumes_and_nothing_else() {
    ENGINE.container(
        "helped",
        &["--read-only", "--tmpfs", "/tmp", "--volume", "helped:/data", "--volume", "/srv/x:/x/y:ro"],
    );
    let mut session = open(&transport("helped", json!({ "helper": "always" }))).await.unwrap();
    let paths = ["/data/a", "/x/y", "/x", "/tmp/a", "/etc"].map(str::to_owned);
    let answers = session.coverage(&paths).await.unwrap();
    assert_eq!(answers[..2], [Coverage::Volume("helped".into()), Coverage::Volume("/srv/x".into())]);
    assert!(answers[2..].iter().all(|answer| matches!(answer, Coverage::NotOwn { .. })), "{answers:?}");
    session.close().await.unwrap();
    // In the container itself, everything that commands see belongs to it.
    let mut session = open(&transport("helped", json!({ "helper": "never" }))).await.unwrap();
    assert_eq!(session.coverage(&paths).await.unwrap(), vec![Coverage::Own; 5]);
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_own_volume_hides_the_originals_files_is_refused() {
    ENGINE.container("hidden", &["--volume", "hidden:/data"]);
    ENGINE.docker(&["exec", "hidden", "sh", "-c", "mkdir /data/deep; echo content >/data/deep/file"]);
    ENGINE.docker(&["commit", "--change", "VOLUME /data/deep", "hidden", "hiding"]);
    let mut session = open(&side(&ENGINE, "hidden", json!({ "temp_container_image": "hiding" }))).await.unwrap();
    let answer = session.coverage(&["/data".to_owned()]).await.unwrap().remove(0);
    let Coverage::NotOwn { reason, .. } = answer else { panic!("{answer:?}") };
    assert!(reason.contains("/data/deep") && reason.contains("hiding"), "{reason}");
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_recreated_on_its_volumes_is_the_same_instance() {
    let labels = ["--label", "com.docker.compose.project=recreated", "--label", "com.docker.compose.service=db"];
    let options = [&labels[..], &["--volume", "recreated:/data", "--env", "PASSWORD=hunter2"]].concat();
    let identity = async |name: &str| {
        ENGINE.container(name, &options);
        let mut hot = open(&transport(name, json!({}))).await.unwrap();
        let mut cold = open(&side(&ENGINE, name, json!({}))).await.unwrap();
        let identities = (hot.identity().await.unwrap(), cold.identity().await.unwrap());
        hot.close().await.unwrap();
        cold.close().await.unwrap();
        ENGINE.docker(&["rm", "--force", name]);
        assert_eq!(identities.0, identities.1);
        identities.0
    };
    let (one, another) = (identity("recreated-db-1").await, identity("recreated-db-2").await);
    assert_eq!((one.kind, &*one.workload), (InstanceKind::Container, "compose recreated/db"));
    assert_eq!((one.details["volumes"].as_str(), one.details["image"].as_str()), ("recreated", "busybox"));
    assert_ne!(one.details["id"], another.details["id"]);
    assert_eq!(one.differs_from(&another), None);
    assert!(!format!("{one:?}").contains("hunter2"));
}

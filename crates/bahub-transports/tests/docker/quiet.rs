//! No other container uses the data, verified from the stop to the last byte.

use bahub_core::transport::{Exec, Process, Session, TransportError, TransportErrorKind};
use bahub_testkit::fixtures::DockerEngine;
use serde_json::json;

use super::support::{ENGINE, alone, open, side, started, status};

fn message(error: &TransportError) -> String {
    assert_eq!(error.kind(), TransportErrorKind::NotOwn, "{}", error.chain());
    format!("{} | {}", error.chain(), error.help().unwrap())
}

/// A session with its side container running.
async fn beside(engine: &DockerEngine, original: &str) -> (Box<dyn Session>, Process) {
    let mut session = open(&side(engine, original, json!({ "stop_timeout": 1 }))).await.unwrap();
    let process = session.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
    (session, process)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_can_write_to_the_same_data_is_refused_before_the_stop() {
    // One of these mounts the volumes of all containers.
    alone(async |engine| {
        engine.container("shared", &["--volume", "shared:/data"]);
        let before = started(engine, "shared");
        let source = engine.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "shared"]);
        let device = format!("device={source}");
        engine.docker(&["volume", "create", "--opt", "type=none", "--opt", "o=bind", "--opt", &device, "shared-alias"]);
        let deep = format!("{source}/deep");
        std::fs::create_dir(&deep).unwrap();
        for (case, mount) in [
            ("by its name", "shared:/x".to_owned()),
            ("by its folder", format!("{source}:/x")),
            ("by a folder in it", format!("{deep}:/x")),
            ("by a folder that holds it", format!("{}:/x", source.strip_suffix("/shared/_data").unwrap())),
            ("by another volume of the same folder", "shared-alias:/x".to_owned()),
        ] {
            let name = engine.container("sharer", &["--volume", &mount]);
            for state in ["running", "paused"] {
                if state == "paused" {
                    engine.docker(&["pause", &name]);
                }
                let refused =
                    message(&open(&side(engine, "shared", json!({}))).await.err().unwrap_or_else(|| panic!("{case}")));
                assert!(
                    refused.contains("sharer (") && refused.contains("add sharer to `also_stop`"),
                    "{case}: {refused}"
                );
            }
            let also = json!({ "also_stop": ["sharer"], "stop_timeout": 1 });
            open(&side(engine, "shared", also)).await.unwrap().close().await.unwrap();
            // Files in use are copied if that is requested.
            open(&side(engine, "shared", json!({ "stop": false }))).await.unwrap().close().await.unwrap();
            engine.docker(&["rm", "--force", &name]);
        }
        // A container that only reads does not disturb; one that appears later is refused later.
        engine.container("reader", &["--volume", "shared:/x:ro"]);
        let (mut session, process) = beside(engine, "shared").await;
        engine.container("late", &["--volume", "shared:/x"]);
        let refused = message(&session.quiesce().await.unwrap_err());
        assert!(refused.contains("late (shared at /x)"), "{refused}");
        session.close().await.unwrap();
        drop(process);
        assert_eq!(started(engine, "shared"), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_used_the_data_meanwhile_is_noticed_even_if_it_has_ended() {
    ENGINE.container("flipped", &["--volume", "flipped:/data"]);
    let source = ENGINE.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "flipped"]);
    ENGINE.docker(&["create", "--name", "flips", "--volume", "flipped:/x", "busybox", "sleep", "100000"]);
    let one_shot = |mount: &str| {
        ENGINE.docker(&["run", "--rm", "--name", "one-shot", "--volume", mount, "busybox", "true"]);
    };
    let flip = |name: &str| {
        ENGINE.docker(&["start", name]);
        ENGINE.docker(&["stop", "--time", "0", name]);
    };
    type Disturbance<'a> = (&'a str, &'a dyn Fn());
    let disturbances: [Disturbance<'_>; 4] = [
        ("the container flipped was started", &|| flip("flipped")),
        ("the container flips was started", &|| flip("flips")),
        ("the container one-shot was started", &|| one_shot("flipped:/x")),
        ("the container one-shot was started", &|| one_shot(&format!("{source}:/x"))),
    ];
    for (says, disturb) in disturbances {
        let (mut session, process) = beside(&ENGINE, "flipped").await;
        session.quiesce().await.unwrap();
        // A container that only reads, or has other data, does not disturb.
        one_shot("flipped:/x:ro");
        one_shot("other:/x");
        session.verify_quiesced().await.unwrap();
        disturb();
        let noticed = message(&session.verify_quiesced().await.expect_err(says));
        assert!(noticed.contains(says), "{noticed}");
        session.close().await.unwrap();
        drop(process);
        assert_eq!(status(&ENGINE, "flipped"), "running", "{says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compose_project_that_goes_up_and_down_meanwhile_is_noticed() {
    let labels = ["--label", "com.docker.compose.project=upped", "--label", "com.docker.compose.service=db"];
    let options = [&labels[..], &["--volume", "upped:/data"]].concat();
    ENGINE.container("upped-db-1", &options);
    let (mut session, process) = beside(&ENGINE, "compose:upped/db").await;
    session.quiesce().await.unwrap();
    // `docker compose down`, `up`, `down`.
    ENGINE.docker(&["rm", "--force", "upped-db-1"]);
    ENGINE.container("upped-db-1", &options);
    ENGINE.docker(&["rm", "--force", "upped-db-1"]);
    let noticed = message(&session.verify_quiesced().await.unwrap_err());
    assert!(noticed.contains("upped-db-1 was removed"), "{noticed}");
    // There is nothing left to restart, and that is reported.
    assert_eq!(session.close().await.unwrap_err().kind(), TransportErrorKind::Undo);
    drop(process);
}

//! A container is down while it is read, and no longer.

use std::sync::Arc;

use bahub_adapters::filesystem::Filesystem;
use bahub_core::registry::Component;
use bahub_core::transport::{Exec, Transport};
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::{DockerEngine, EngineRoom, agent_program};
use serde_json::{Value, json};

use super::support::{ENGINE, alone, open, run, side, started, status};

#[tokio::test(flavor = "multi_thread")]
async fn the_original_is_back_while_the_store_does_not_take_a_byte() {
    ENGINE.container("stored", &["--volume", "stored:/data"]);
    ENGINE.docker(&["exec", "stored", "sh", "-c", "echo content >/data/file"]);
    let before = started(&ENGINE, "stored");
    let transport = Arc::new(side(&ENGINE, "stored", json!({ "stop_timeout": 1 })));
    let room = EngineRoom::new().with_transport(transport).with_agent_program(agent_program());
    let adapter = Filesystem::from_config(serde_json::from_value(json!({ "paths": ["/data"] })).unwrap(), &()).unwrap();
    let sink = Arc::new(MemorySink::new("stored"));
    sink.hold();
    let plan = room.plan(Arc::new(adapter), Arc::clone(&sink) as _);
    let backup = tokio::spawn(async move { room.backup(&plan).await });
    let is_back = async {
        loop {
            let now = started(&ENGINE, "stored");
            if now != before && now.starts_with("true") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), is_back).await.unwrap();
    assert!(!backup.is_finished());
    let after = started(&ENGINE, "stored");
    sink.release();
    let made = backup.await.unwrap();
    assert!(made.error.is_none(), "{:?}", made.error);
    assert_eq!(started(&ENGINE, "stored"), after);
    assert!(made.report.downtime_seconds.unwrap() < made.report.seconds);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_side_container_keeps_running_and_a_later_stop_of_the_original_is_respected() {
    alone(async |engine| {
        for state in ["running", "paused"] {
            engine.container(state, &["--volume", &format!("{state}:/data")]);
        }
        engine.docker(&["pause", "paused"]);
        let transport = side(engine, "running", json!({ "also_stop": ["paused"], "stop_timeout": 1 }));
        let cx = run();
        let mut session = transport.open(&cx).await.unwrap();
        let process = session.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
        session.quiesce().await.unwrap();
        session.verify_quiesced().await.unwrap();
        assert_eq!((status(engine, "running"), status(engine, "paused")), ("exited".into(), "exited".into()));
        session.resume().await.unwrap();
        assert_eq!((status(engine, "running"), status(engine, "paused")), ("running".into(), "paused".into()));
        assert_eq!(engine.docker(&["ps", "--quiet", "--filter", "label=bahub.run"]).lines().count(), 1);
        let total = cx.downtime.total();
        engine.docker(&["unpause", "paused"]);
        engine.docker(&["stop", "--time", "1", "running"]);
        // Neither recovery, nor another run, nor this run's close, nor its undo changes that.
        assert_eq!(transport.recover(&run()).await.unwrap(), []);
        let mut other =
            open(&side(engine, "running", json!({ "also_stop": ["paused"], "stop_timeout": 1 }))).await.unwrap();
        let others = other.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
        other.quiesce().await.unwrap();
        other.close().await.unwrap();
        assert_eq!((status(engine, "running"), status(engine, "paused")), ("exited".into(), "running".into()));
        session.close().await.unwrap();
        assert!(cx.undo.unwind().await.is_empty());
        drop((process, others));
        assert_eq!((status(engine, "running"), status(engine, "paused")), ("exited".into(), "running".into()));
        assert_eq!(cx.downtime.total(), total);
        assert_eq!(engine.docker(&["ps", "--all", "--quiet", "--filter", "label=bahub.run"]), "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_dropped_at_any_time_leaves_nothing_down_and_nothing_behind() {
    alone(async |engine| {
        engine.container("original", &["--volume", "data:/data"]);
        let transport = side(engine, "original", json!({ "stop_timeout": 1 }));
        for steps in 0..=2 {
            let cx = run();
            let mut session = transport.open(&cx).await.unwrap();
            let process = session.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
            if steps > 0 {
                session.quiesce().await.unwrap();
            }
            if steps > 1 {
                session.resume().await.unwrap();
            }
            drop((session, process));
            assert_eq!(cx.undo.unwind().await, Vec::<String>::new());
            assert_eq!(status(engine, "original"), "running", "{steps}");
            assert_eq!(engine.docker(&["ps", "--all", "--quiet", "--filter", "label=bahub.run"]), "", "{steps}");
        }
    })
    .await;
}

/// The labels of a newly created side container.
async fn labels(engine: &DockerEngine, transport: &dyn Transport) -> Value {
    let mut session = open(transport).await.unwrap();
    let process = session.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
    let side = engine.docker(&["ps", "--quiet", "--filter", "label=bahub.run"]);
    let labels = engine.docker(&["inspect", "--format", "{{json .Config.Labels}}", &side]);
    session.close().await.unwrap();
    drop(process);
    serde_json::from_str(&labels).unwrap()
}

/// Leaves what a killed run would: its side container, whose name shows how far it got.
fn leave_record(engine: &DockerEngine, labels: &Value, progress: &str) {
    // A process that does not exist: of this boot, with another start time.
    let (process, started) = labels["bahub.holder"].as_str().unwrap().rsplit_once('/').unwrap();
    let holder = format!("bahub.holder={process}/{}", started.parse::<u64>().unwrap() + 1);
    let before = format!("bahub.before={}", labels["bahub.before"].as_str().unwrap());
    let name = format!("bahub-left-0{progress}");
    let labels = ["--label", &holder, "--label", &before, "--label", "bahub.run=dead"];
    engine.docker(&[&["create", "--name", &name][..], &labels, &["busybox", "true"]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_a_container_that_was_already_back_is_left_alone() {
    alone(async |engine| {
        engine.container("original", &[]);
        let transport = side(engine, "original", json!({ "stop_timeout": 1 }));
        let stop = || engine.docker(&["stop", "--time", "1", "original"]);
        for (progress, was_back, then) in [
            // Killed before anything was restarted, and during the restart.
            ("", false, "running"),
            (".returning", false, "running"),
            // It was started and stopped by another client during the run: it is restored to its original state.
            ("", true, "running"),
            // It was back, and its owner stopped it afterwards.
            (".returning", true, "exited"),
            (".returned", true, "exited"),
        ] {
            let labels = labels(engine, &transport).await;
            stop();
            if was_back {
                engine.docker(&["start", "original"]);
                stop();
            }
            leave_record(engine, &labels, progress);
            let recovered = transport.recover(&run()).await.unwrap();
            assert_eq!(status(engine, "original"), then, "{progress:?} {was_back}: {recovered:?}");
            assert_eq!(recovered.len(), if then == "running" { 2 } else { 1 }, "{recovered:?}");
            assert_eq!(engine.docker(&["ps", "--all", "--quiet", "--filter", "label=bahub.run"]), "");
            engine.docker(&["start", "original"]);
        }
    })
    .await;
}

//! A container beside another one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bahub_core::event::Events;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Exec, Process, Session, Transport};
use bahub_testkit::conformance::{self, StoppedWorkload, TransportOptions, transport_claim};
use bahub_testkit::fixtures::{DockerEngine, agent_program};
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::support::{alone, open, run, side, status, transport};

/// Everything that a run could leave or change.
fn state(engine: &DockerEngine) -> String {
    let containers = engine.docker(&["ps", "--all", "--format", "{{.Names}} {{.State}}"]);
    let mut lines: Vec<_> = containers.lines().map(str::to_owned).collect();
    lines.extend(engine.docker(&["volume", "ls", "--quiet"]).lines().map(str::to_owned));
    lines.sort();
    lines.join("\n")
}

async fn said(session: &mut dyn Session, script: &str) -> String {
    let Process { mut stdout, exit, .. } = session.exec(&Exec::new(["sh", "-c", script])).await.unwrap();
    let mut text = String::new();
    stdout.read_to_string(&mut text).await.unwrap();
    exit.await;
    text
}

/// The container `original` of an engine.
#[derive(Debug)]
struct Original(String);

impl Original {
    fn docker(&self, arguments: &[&str]) -> String {
        let output = std::process::Command::new("docker").env("DOCKER_HOST", &self.0).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[async_trait]
impl StoppedWorkload for Original {
    async fn is_up(&self) -> bool {
        self.docker(&["inspect", "--format", "{{.State.Running}}", "original"]).trim() == "true"
    }

    async fn flip(&self) {
        self.docker(&["start", "original"]);
        self.docker(&["stop", "--time", "1", "original"]);
    }
}

async fn conforms(options: TransportOptions) {
    alone(async |engine| {
        engine.container("original", &["--volume", "data:/data"]);
        let before = state(engine);
        let options = TransportOptions {
            agent_program: Some(agent_program()),
            scratch: "/data".into(),
            shares_files: false,
            purpose: RunPurpose::Restore,
            own_paths: vec!["/data".into(), "/data/not/there/yet".into(), "/etc/../data/".into()],
            foreign_paths: ["/", "/etc", "/tmp", "/data/../etc", "/database"].map(str::to_owned).to_vec(),
            workload: Some(Arc::new(Original(engine.host()))),
            ..options
        };
        let report = conformance::transport(Arc::new(side(engine, "original", json!({}))), &options).await;
        report.assert_conforms();
        assert_eq!(report.held().len(), transport_claim::ALL.len() - 1);
        assert_eq!(state(engine), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sidedocker_conforms() {
    conforms(TransportOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 3 GiB: run it with --ignored"]
async fn sidedocker_conforms_with_a_gibibyte_each_way() {
    let limit = std::time::Duration::from_secs(900);
    conforms(TransportOptions { volume: 1 << 30, limit, ..TransportOptions::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_for_a_container_without_a_place_conforms() {
    alone(async |engine| {
        engine.container("fixed", &["--read-only", "--tmpfs", "/tmp", "--volume", "data:/data", "--env", "WHERE=here"]);
        let before = state(engine);
        let spec = json!({ "docker_host": engine.host(), "helper": "always" });
        let mut session = open(&transport("fixed", spec.clone())).await.unwrap();
        let seen = said(session.as_mut(), "echo $WHERE; tr '\\0' ' ' </proc/1/cmdline; ls -d /data").await;
        assert_eq!(seen, "here\n/sbin/docker-init -- sleep 100000 /data\n");
        session.close().await.unwrap();
        let options = TransportOptions {
            agent_program: Some(agent_program()),
            scratch: "/data".into(),
            shares_files: false,
            ..TransportOptions::default()
        };
        let options = TransportOptions {
            own_paths: vec!["/data".into()],
            foreign_paths: vec!["/".into(), "/etc".into(), "/tmp".into()],
            ..options
        };
        conformance::transport(Arc::new(transport("fixed", spec)), &options).await.assert_conforms();
        assert_eq!(state(engine), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_is_down_meanwhile_and_then_in_its_previous_state() {
    alone(async |engine| {
        for name in ["running", "paused", "stopped"] {
            engine.container(name, &["--volume", &format!("{name}:/data")]);
            engine.docker(&["exec", name, "sh", "-c", "echo kept >/data/file"]);
        }
        engine.docker(&["pause", "paused"]);
        engine.docker(&["kill", "stopped"]);
        engine.container("other", &[]);
        let before = state(engine);
        for name in ["running", "paused", "stopped"] {
            let transport = side(engine, name, json!({ "also_stop": ["other"], "stop_timeout": 1 }));
            let mut session = open(&transport).await.unwrap();
            assert_eq!(
                said(session.as_mut(), "cat /data/file; touch /data/x 2>&1").await,
                "kept\ntouch: /data/x: Read-only file system\n"
            );
            assert_eq!(status(engine, "other"), "running");
            session.quiesce().await.unwrap();
            assert_eq!((status(engine, name), status(engine, "other")), ("exited".into(), "exited".into()));
            session.close().await.unwrap();
            assert_eq!(state(engine), before);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_cannot_be_restored_is_not_stopped() {
    alone(async |engine| {
        engine.container("passing", &["--rm"]);
        let error = open(&side(engine, "passing", json!({}))).await.err().unwrap();
        assert!(error.chain().contains("--rm"), "{}", error.chain());
        engine.container("original", &[]);
        let missing = json!({ "temp_container_image": "no-such-image" });
        let mut session = open(&side(engine, "original", missing)).await.unwrap();
        let error = session.exec(&Exec::new(["true"])).await.unwrap_err();
        assert!(error.help().unwrap().contains("docker pull no-such-image"), "{error:?}");
        session.close().await.unwrap();
        assert_eq!(status(engine, "passing") + &status(engine, "original"), "runningrunning");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_does_not_become_healthy_is_reported() {
    alone(async |engine| {
        let sick = [
            "--health-cmd",
            "test ! -e /data/sick",
            "--health-interval",
            "1s",
            "--health-retries",
            "1",
            "--volume",
            "data:/data",
        ];
        engine.container("sick", &sick);
        let reported = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&reported);
        let events = Events::to(move |event| *log.lock().unwrap() += &format!("{event:?}"));
        let cx = RunContext { events, ..run() };
        let mut session = side(engine, "sick", json!({ "stop_timeout": 1 })).open(&cx).await.unwrap();
        engine.docker(&["exec", "sick", "touch", "/data/sick"]);
        said(session.as_mut(), "true").await;
        session.quiesce().await.unwrap();
        session.close().await.unwrap();
        let reported = reported.lock().unwrap().clone();
        assert!(reported.contains("the container sick was restarted, but is"), "{reported}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_live_run_holds_is_left_alone() {
    alone(async |engine| {
        engine.container("original", &[]);
        let transport = side(engine, "original", json!({ "stop_timeout": 1 }));
        let mut session = open(&transport).await.unwrap();
        let process = session.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        session.quiesce().await.unwrap();
        assert_eq!(transport.recover(&run()).await.unwrap(), []);
        assert_eq!(status(engine, "original"), "exited");
        session.close().await.unwrap();
        drop(process);
        assert_eq!(status(engine, "original"), "running");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_never_work_beside_one_original() {
    alone(async |engine| {
        engine.container("original", &[]);
        let transport = side(engine, "original", json!({ "stop_timeout": 1 }));
        let (mut one, mut other) = (open(&transport).await.unwrap(), open(&transport).await.unwrap());
        let first = one.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        one.quiesce().await.unwrap();
        let second = other.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        let refused = other.quiesce().await.unwrap_err().chain();
        assert!(refused.contains("another run is using the data of the container original"), "{refused}");
        other.close().await.unwrap();
        assert_eq!(status(engine, "original"), "exited");
        assert!(open(&transport).await.is_err());
        one.close().await.unwrap();
        drop((first, second));
        assert_eq!(status(engine, "original"), "running");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_stopped_by_its_owner_meanwhile_stays_down() {
    alone(async |engine| {
        engine.container("original", &[]);
        let mut session = open(&side(engine, "original", json!({ "stop_timeout": 1 }))).await.unwrap();
        engine.docker(&["stop", "--time", "1", "original"]);
        let process = session.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        let refused = session.quiesce().await.unwrap_err().chain();
        assert!(refused.contains("the state of the container original has changed"), "{refused}");
        session.close().await.unwrap();
        drop(process);
        assert_eq!(status(engine, "original"), "exited");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_started_by_its_owner_meanwhile_fails_the_run_and_stays_up() {
    alone(async |engine| {
        engine.container("original", &[]);
        let mut session = open(&side(engine, "original", json!({ "stop_timeout": 1 }))).await.unwrap();
        let process = session.exec(&Exec::new(["sleep", "1000"])).await.unwrap();
        session.quiesce().await.unwrap();
        session.verify_quiesced().await.unwrap();
        engine.docker(&["start", "original"]);
        let spoilt = session.verify_quiesced().await.unwrap_err().chain();
        assert!(spoilt.contains("the container original was started while the data was in use"), "{spoilt}");
        session.close().await.unwrap();
        drop(process);
        assert_eq!(status(engine, "original"), "running");
    })
    .await;
}

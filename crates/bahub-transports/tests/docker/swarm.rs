//! Containers that Swarm restarts.

use std::fs::File;
use std::time::{Duration, Instant};

use bahub_core::transport::{Exec, TransportErrorKind};
use bahub_testkit::fixtures::DockerEngine;
use serde_json::json;

use super::support::{alone, open, side, started};

/// A Swarm uses ports and a bridge that exist only once on a host.
struct Swarm<'a> {
    engine: &'a DockerEngine,
    _lock: File,
}

impl<'a> Swarm<'a> {
    fn start(engine: &'a DockerEngine) -> Self {
        let lock = File::create("/tmp/bahub-test-swarm.lock").unwrap();
        lock.lock().unwrap();
        engine.docker(&["swarm", "init", "--listen-addr", "127.0.0.1", "--advertise-addr", "127.0.0.1"]);
        Self { engine, _lock: lock }
    }

    /// Scales the service `web`, and waits until this many of its tasks run.
    #[track_caller]
    fn scale(&self, replicas: usize) {
        self.engine.docker(&["service", "scale", "--detach", &format!("web={replicas}")]);
        let began = Instant::now();
        while self.tasks().len() != replicas {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", self.engine.docker(&["service", "ps", "web"]));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn tasks(&self) -> Vec<String> {
        let label = "label=com.docker.swarm.service.name=web";
        let listed = self.engine.docker(&["ps", "--format", "{{.Names}}", "--filter", label]);
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Swarm<'_> {
    fn drop(&mut self) {
        self.engine.try_docker(&["swarm", "leave", "--force"]);
        self.engine.try_docker(&["network", "rm", "docker_gwbridge"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_swarm_is_not_stopped_and_one_that_comes_meanwhile_is_noticed() {
    alone(async |engine| {
        let swarm = Swarm::start(engine);
        let mount = ["--mount", "type=volume,src=data,dst=/data"];
        let create = ["service", "create", "--detach", "--no-resolve-image", "--name", "web", "--replicas", "0"];
        engine.docker(&[&create[..], &mount, &["busybox", "sleep", "100000"]].concat());
        swarm.scale(1);
        let task = swarm.tasks().remove(0);
        let before = started(engine, &task);
        engine.docker(&["create", "--name", "holder", "--volume", "data:/data", "busybox", "true"]);
        for original in [&*task, "label:com.docker.swarm.service.name=web", "holder"] {
            let refused = open(&side(engine, original, json!({ "stop_timeout": 1 }))).await.err().unwrap();
            assert_eq!(refused.kind(), TransportErrorKind::NotOwn, "{}", refused.chain());
            let message = format!("{} | {}", refused.chain(), refused.help().unwrap());
            assert!(
                message.contains("Swarm service web") && message.contains("docker service scale web=0"),
                "{message}"
            );
        }
        assert_eq!((swarm.tasks(), started(engine, &task)), (vec![task], before));
        // The remedy.
        swarm.scale(0);
        let mut session = open(&side(engine, "holder", json!({ "stop_timeout": 1 }))).await.unwrap();
        let process = session.exec(&Exec::new(["sleep", "100000"])).await.unwrap();
        session.quiesce().await.unwrap();
        session.verify_quiesced().await.unwrap();
        swarm.scale(1);
        swarm.scale(0);
        let noticed = session.verify_quiesced().await.unwrap_err();
        assert!(noticed.chain().contains("the container web.1."), "{}", noticed.chain());
        session.close().await.unwrap();
        drop(process);
    })
    .await;
}

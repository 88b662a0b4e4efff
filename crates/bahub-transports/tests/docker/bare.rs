//! A container with one program and nothing else: no shell, no /tmp, no /etc.

use bahub_core::link::{self, FromAgent, Incoming, ToAgent};
use bahub_core::transport::{Exec, PutFile};
use bahub_testkit::fixtures::agent_program;
use serde_json::json;

use super::support::{ENGINE, open, transport};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_runs_in_a_container_that_holds_nothing() {
    ENGINE.docker(&["run", "--detach", "--name", "bare", "bare", "/busybox", "sleep", "100000"]);
    let before = ENGINE.docker(&["diff", "bare"]);
    let content = std::fs::read(agent_program()).unwrap();
    for cut in [false, true] {
        let mut session = open(&transport("bare", json!({}))).await.unwrap();
        let placed = session.put(PutFile { name: "backup-maker", content: &content, mode: 0o555 }).await.unwrap();
        let process = session.exec(&Exec::new([&*placed.0, "serve"])).await.unwrap();
        let (sender, mut receiver) = link::connect::<ToAgent, FromAgent>(process.stdout, process.stdin);
        assert!(matches!(receiver.next().await, Ok(Incoming::Message(FromAgent::Hello(_)))));
        if !cut {
            sender.send(&ToAgent::Quit).unwrap();
        }
        drop((sender, receiver));
        process.exit.await;
        session.close().await.unwrap();
        assert_eq!(ENGINE.docker(&["diff", "bare"]), before);
        assert_eq!(ENGINE.docker(&["top", "bare"]).lines().count(), 2);
    }
}

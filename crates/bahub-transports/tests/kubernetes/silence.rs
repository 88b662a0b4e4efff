//! An API server that is unreachable for a while.

use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, PutFile};
use bahub_testkit::fixtures::Kubernetes;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::support::{open, transport};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_for_a_while_is_waited_for() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("away");
    namespace.pod("plain");
    let (gate, through) = cluster.gate();
    let transport = transport(&namespace, "app=plain", json!({ "kubeconfig": through.path(), "timeout": 60 }));

    // At the first request.
    gate.shut();
    let (opened, ()) = tokio::join!(open(&transport), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        gate.open();
    });
    let mut session = opened.unwrap();
    let placed = session.put(PutFile { name: "x", content: b"x", mode: 0o500 }).await.unwrap().0;
    namespace.sh("plain", "main", &format!("test -e {placed}"));

    // In the middle of a program: its end is lost, which is not a success.
    let process = session.exec(&Exec::new(["sh", "-c", "echo begun; exec sleep 600"])).await.unwrap();
    let Process { stdin: _stdin, mut stdout, stderr: _stderr, exit } = process;
    let mut begun = [0; 6];
    stdout.read_exact(&mut begun).await.unwrap();
    gate.shut();
    assert_eq!(timeout(LIMIT, exit).await.unwrap(), Exit::Lost);

    // Before a program is started, and at the close: what is left is ended all the same.
    let (ended, ()) = tokio::join!(timeout(LIMIT, session.close()), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        gate.open();
    });
    ended.unwrap().unwrap();
    assert_eq!(namespace.sh("plain", "main", "ls -A /tmp; ps -o args | grep '^sleep 600' || true"), "");
}

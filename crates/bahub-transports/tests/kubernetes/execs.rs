//! Programs one after the other, and programs that do not read their input: none of them hangs.

use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, Session};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::side::side;
use super::support::{in_each, in_one, open, transport};

/// Far more than one program takes: one that needs this long hangs.
const HANGS: Duration = Duration::from_secs(150);

async fn run(session: &mut dyn Session, argv: &[&str], input: &[u8]) -> (Exit, String) {
    let work = async {
        let process = session.exec(&Exec::new(argv.iter().copied())).await.unwrap();
        let Process { mut stdin, mut stdout, mut stderr, exit } = process;
        let (mut out, mut err) = (String::new(), String::new());
        let write = async { drop(stdin.write_all(input).await) };
        let (_, _, exit, ()) =
            tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err), exit, write);
        (exit, out)
    };
    timeout(HANGS, work).await.map_err(|_| format!("{argv:?} hangs")).unwrap()
}

async fn in_a_row(programs: i32, mut session: Box<dyn Session>) {
    // More than the pipes and most buffers hold: the writer blocks until the program ends.
    let stuck = vec![7; 16 << 20];
    for number in 0..programs {
        let code = number % 7;
        let script = format!("echo {number}; exit {code}");
        if number == programs / 2 {
            let (exit, _) = run(session.as_mut(), &["sh", "-c", &script], &stuck).await;
            // A server that closes with unread input resets the connection, and the end is lost; or it falls silent.
            assert!([Exit::Code(code), Exit::Lost].contains(&exit), "{exit}");
            continue;
        }
        let (exit, out) = run(session.as_mut(), &["sh", "-c", &script], &[]).await;
        assert_eq!((exit, out), (Exit::Code(code), format!("{number}\n")));
    }
    session.close().await.unwrap();
}

async fn in_a_pod(programs: i32) {
    in_each("execs", async |namespace| {
        namespace.pod("plain");
        in_a_row(programs, open(&transport(&namespace, "app=plain", json!({ "timeout": 60 }))).await.unwrap()).await;
    })
    .await;
}

async fn beside_a_pod(programs: i32) {
    in_one("side-execs", async |namespace| {
        namespace.workload("Deployment", "web", 1);
        in_a_row(programs, open(&side(&namespace, "web", json!({ "timeout": 900 }))).await.unwrap()).await;
        namespace.wait("the end of side pods", || namespace.of_runs().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_in_a_row_do_not_hang() {
    in_a_pod(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_in_a_row_beside_a_pod_do_not_hang() {
    beside_a_pod(40).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: scripts/test --grid"]
async fn full_grid_two_hundred_programs_in_a_row_do_not_hang() {
    in_a_pod(200).await;
    beside_a_pod(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_exit_status_is_not_a_success() {
    in_each("lost", async |namespace| {
        namespace.pod("killed");
        let mut session = open(&transport(&namespace, "app=killed", json!({ "timeout": 60 }))).await.unwrap();
        let process = session.exec(&Exec::new(["sh", "-c", "echo begun; sleep 600"])).await.unwrap();
        let Process { stdin: _stdin, mut stdout, stderr: _stderr, exit } = process;
        let mut begun = [0; 6];
        stdout.read_exact(&mut begun).await.unwrap();
        namespace.kubectl(&["delete", "pod", "killed", "--grace-period=0", "--force", "--wait=false"]);
        let exit = timeout(HANGS, exit).await.unwrap();
        assert!(exit != Exit::Code(0), "{exit}");
        // There is nothing left to end.
        namespace.wait("the end of the pod", || !namespace.try_kubectl(&["get", "pod", "killed"]).status.success());
        session.close().await.unwrap();
    })
    .await;
}

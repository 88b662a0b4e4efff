//! The conformance suite.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fixtures::agent_program;
use serde_json::{Value, json};

use super::support::{ENGINE, transport};

async fn conforms(container: &str, spec: Value, options: TransportOptions) {
    let before = ENGINE.docker(&["diff", container]);
    let options = TransportOptions { agent_program: Some(agent_program()), ..options };
    let report = conformance::transport(Arc::new(transport(container, spec)), &options).await;
    report.assert_conforms();
    // Commands run in the container itself: every path belongs to it, and nothing is stopped.
    let without =
        [transport_claim::FOREIGN_PATHS, transport_claim::RESUME_BRINGS_BACK, transport_claim::FLIPS_ARE_NOTICED];
    let claims: Vec<_> = transport_claim::ALL.into_iter().filter(|claim| !without.contains(claim)).collect();
    assert_eq!(report.held(), claims);
    assert_eq!(ENGINE.docker(&["diff", container]), before);
    // The program of the container, its init, and `ps` by the engine's own count.
    let top = ENGINE.docker(&["top", container]);
    assert_eq!(top.lines().count(), 3, "{top}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_conforms() {
    let container = ENGINE.container("conforms", &[]);
    conforms(&container, json!({}), TransportOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_conforms_as_another_user() {
    let container = ENGINE.container("plain", &[]);
    conforms(
        &container,
        json!({ "user": "plain" }),
        TransportOptions { volume: 1 << 20, ..TransportOptions::default() },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 3 GiB: run it with --ignored"]
async fn docker_conforms_with_a_gibibyte_each_way() {
    let container = ENGINE.container("gibibyte", &[]);
    let options = TransportOptions { volume: 1 << 30, limit: Duration::from_secs(900), ..TransportOptions::default() };
    conforms(&container, json!({}), options).await;
}

//! The conformance suite.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fixtures::{Sshd, agent_program};
use serde_json::json;

use crate::support::{transport, until};

async fn conforms(sshd: &Sshd, options: TransportOptions) {
    let options = TransportOptions { agent_program: Some(agent_program()), ..options };
    let report = conformance::transport(Arc::new(transport(sshd.spec(), json!({}))), &options).await;
    report.assert_conforms();
    assert_eq!(report.held(), transport_claim::without_a_workload());
    until(Duration::from_secs(20), "no connection is left", async || sshd.connections().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_conforms() {
    conforms(&Sshd::start(), TransportOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 3 GiB: run it with --ignored"]
async fn ssh_conforms_with_a_gibibyte_each_way() {
    let options = TransportOptions { volume: 1 << 30, limit: Duration::from_secs(900), ..TransportOptions::default() };
    conforms(&Sshd::start(), options).await;
}

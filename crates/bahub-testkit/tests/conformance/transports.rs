//! Honest transports conform.

use std::sync::Arc;

use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fakes::{FakeWorkload, HereTransport, WorkloadTransport};
use bahub_transports::sh::Sh;

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_of_this_host_conforms() {
    conformance::transport(Arc::new(HereTransport), &TransportOptions::default()).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn sh_conforms() {
    conformance::transport(Arc::new(Sh), &TransportOptions::default()).await.assert_conforms();
}

/// The volume from the issue; some minutes in a debug build.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 3 GiB: run it with --ignored"]
async fn sh_conforms_with_a_gibibyte_each_way() {
    let options =
        TransportOptions { volume: 1 << 30, limit: std::time::Duration::from_secs(900), ..TransportOptions::default() };
    conformance::transport(Arc::new(Sh), &options).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transport_with_a_workload_conforms() {
    let workload = FakeWorkload::default();
    let options = TransportOptions {
        volume: 4 << 20,
        foreign_paths: vec!["/foreign".into()],
        workload: Some(Arc::new(workload.clone())),
        ..TransportOptions::default()
    };
    let transport = WorkloadTransport::new(&workload).with_foreign("/foreign");
    let report = conformance::transport(Arc::new(transport), &options).await;
    report.assert_conforms();
    assert_eq!(report.held(), transport_claim::ALL);
}

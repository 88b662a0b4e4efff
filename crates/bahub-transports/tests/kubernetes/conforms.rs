//! The conformance suite, over each protocol.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fixtures::{Namespace, agent_program};
use serde_json::json;

use super::support::{in_each, transport};

const LEFT: &str = "ls -a /tmp /var/tmp /root; ps -o args | grep -v -e 'ps -o' -e 'sh -c' -e sort | sort";

/// Every path belongs to the container, and nothing is stopped.
const NOTHING_TO_TRY: usize = 3;

async fn conforms(namespace: Arc<Namespace>, options: TransportOptions) {
    namespace.pod("plain");
    let look = || namespace.sh("plain", "main", LEFT);
    let (before, everything) = (look(), namespace.everything());
    let stdin_ends = namespace.cluster().closes_stdin();
    let options = TransportOptions { agent_program: Some(agent_program()), stdin_ends, ..options };
    let transport = Arc::new(transport(&namespace, "app=plain", json!({ "timeout": 60 })));
    let report = conformance::transport(transport, &options).await;
    report.assert_conforms();
    assert_eq!(report.held().len(), transport_claim::ALL.len() - NOTHING_TO_TRY - usize::from(!stdin_ends));
    assert_eq!(look(), before);
    assert_eq!(namespace.everything(), everything);
}

#[tokio::test(flavor = "multi_thread")]
async fn podexec_conforms() {
    in_each("conforms", |namespace| conforms(namespace, TransportOptions::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 6 GiB: run it with --ignored"]
async fn podexec_conforms_with_a_gibibyte_each_way() {
    let options = TransportOptions { volume: 1 << 30, limit: Duration::from_secs(900), ..TransportOptions::default() };
    in_each("gibibyte", |namespace| conforms(namespace, options.clone())).await;
}

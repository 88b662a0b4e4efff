//! A cluster of each kind; each test has its own namespace there.

use std::sync::Arc;

use bahub_core::event::Events;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Session, Transport, TransportError};
use bahub_testkit::fixtures::{Kubernetes, Namespace};
use bahub_transports::kubernetes::PodExec;
use serde_json::{Value, json};

/// Does the same in every available cluster: one for each protocol.
pub(crate) async fn in_each<W: Future<Output = ()>>(test: &str, work: impl Fn(Arc<Namespace>) -> W) {
    let clusters = Kubernetes::all();
    futures::future::join_all(clusters.iter().map(|cluster| work(Arc::new(cluster.namespace(test))))).await;
}

/// For what does not depend on the protocol of exec.
pub(crate) async fn in_one<W: Future<Output = ()>>(test: &str, work: impl FnOnce(Arc<Namespace>) -> W) {
    let Some(cluster) = Kubernetes::any() else { return };
    work(Arc::new(cluster.namespace(test))).await;
}

/// A transport into pods with these labels.
pub(crate) fn transport(namespace: &Namespace, selector: &str, more: Value) -> PodExec {
    let mut spec = json!({
        "namespace": namespace.name(),
        "selector": selector,
        "timeout": 5,
        "kubeconfig": namespace.cluster().kubeconfig(),
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    PodExec::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap()
}

pub(crate) async fn open(transport: &dyn Transport) -> Result<Box<dyn Session>, TransportError> {
    transport.open(&run()).await
}

pub(crate) fn run() -> RunContext {
    RunContext::new("test", RunPurpose::Backup, Events::ignored()).unwrap()
}

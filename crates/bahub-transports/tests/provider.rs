//! A program's own choice of cryptography for TLS is kept. A separate test program, because a process has one provider.

use bahub_core::event::Events;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Transport, TransportErrorKind};
use bahub_transports::kubernetes::PodExec;
use rustls::crypto::{CryptoProvider, ring};
use serde_json::json;

/// Its client key is invalid, which shows when TLS is set up: no connection is made.
const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
current-context: shop
clusters: [{name: shop, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: shop, user: {client-certificate-data: bm9uZQ==, client-key-data: bm9uZQ==}}]
contexts: [{name: shop, context: {cluster: shop, user: shop}}]
";

#[tokio::test]
async fn a_provider_that_the_program_chose_stays() {
    let mut chosen = ring::default_provider();
    chosen.cipher_suites.truncate(1);
    chosen.install_default().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, KUBECONFIG).unwrap();
    let spec = json!({ "selector": "app=db", "kubeconfig": kubeconfig });
    let transport = PodExec::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap();

    let cx = RunContext::new("shop", RunPurpose::Backup, Events::ignored()).unwrap();
    let error = transport.open(&cx).await.err().unwrap();

    assert_eq!(error.kind(), TransportErrorKind::Unreachable);
    assert!(error.to_string().contains("with the settings of the kubeconfig"), "{}", error.chain());
    assert_eq!(CryptoProvider::get_default().unwrap().cipher_suites.len(), 1);
}

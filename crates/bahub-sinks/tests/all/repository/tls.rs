//! Over TLS, with a private certificate authority.

use std::sync::Arc;

use bahub_core::agent::DirectSink;
use bahub_core::sink::{Purpose, Sink};
use bahub_sinks::repository::DirectRepository;
use bahub_testkit::backup_repository::BackupRepository;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{armoured, server, with_token};
use crate::support::{fetch, new_version, store};

/// A proxy that terminates TLS in front of the server: its URL, and its certificate in PEM with text before it.
async fn behind_tls(server: &BackupRepository) -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let pem = format!("Our own authority:\n{}", certified.cert.pem());
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let target = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(socket).await.ok()?;
                let mut server = TcpStream::connect(target).await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (url, pem)
}

#[tokio::test]
async fn the_authority_in_ca_file_is_trusted_by_the_controller_and_by_an_agent() {
    let server = server().await;
    let (url, pem) = behind_tls(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("our ca.pem");
    std::fs::write(&file, pem).unwrap();
    let sink = with_token(&server, json!({"url": url, "ca_file": file}));
    let message = armoured(100_000);
    let version = store(&sink, &message).await.unwrap().version;
    assert_eq!(fetch(&sink, version).await.unwrap(), message);
    for purpose in [Purpose::Upload(new_version()), Purpose::Download(version)] {
        let granted = sink.delegate(purpose.clone()).await.unwrap().unwrap();
        DirectRepository.reach(&granted.endpoint).await.unwrap();
        let direct = DirectRepository.open(&granted).unwrap();
        match purpose {
            Purpose::Upload(_) => drop(store(&*direct, &message).await.unwrap()),
            Purpose::Download(version) => assert_eq!(fetch(&*direct, version).await.unwrap(), message),
        }
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_a_hint() {
    let server = server().await;
    let (url, _) = behind_tls(&server).await;
    let error = with_token(&server, json!({"url": url})).list().await.unwrap_err();
    assert!(error.help().unwrap().contains("ca_file"), "{error} {:?}", error.help());
}

//! Encrypted connections.

use bahub_testkit::fixtures::Release;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;

use super::support::{Room, done, failure_text, in_time};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_alone_is_backed_up_and_restored_and_one_of_another_authority_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["ours", "other"] {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(path(&format!("{name}.ca")), issuer.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let of_server =
            CertificateParams::new(vec!["elsewhere.example.org".into()]).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(path(&format!("{name}.crt")), of_server.pem()).unwrap();
        std::fs::write(path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let room = Room::of(
        Release::System,
        &[
            &format!("tls-port {free}"),
            &format!("tls-ca-cert-file {}", path("ours.ca")),
            &format!("tls-cert-file {}", path("ours.crt")),
            &format!("tls-key-file {}", path("ours.key")),
        ],
    );
    room.fill();
    let held = room.server.digest();
    let client =
        json!({ "port": free, "tls": { "ca": path("ours.ca"), "cert": path("ours.crt"), "key": path("ours.key") } });
    done(&in_time(room.engine.backup(&room.plan(client.clone()))).await);
    room.spoil();
    done(&in_time(room.engine.restore(&room.plan(client), &Default::default())).await);
    assert_eq!(room.server.digest(), held);

    let other =
        json!({ "port": free, "tls": { "ca": path("other.ca"), "cert": path("ours.crt"), "key": path("ours.key") } });
    let text = failure_text(&in_time(room.engine.backup(&room.plan(other))).await);
    assert!(text.starts_with("Preflight") && text.contains("certificate"), "{text}");
}

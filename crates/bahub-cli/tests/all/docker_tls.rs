//! An engine that is reached over TCP with TLS: both sides show their certificates.

use std::path::Path;
use std::process::Command;

use bahub_testkit::fixtures::DockerEngine;

use super::support::{Scene, comes_back};

/// An authority, and a certificate of it for each side, named as Docker names them.
const CERTIFICATES: &str = r#"set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.pem -out ca.pem
for side in server client; do
    openssl req -newkey rsa:2048 -nodes -subj /CN=$side -keyout $side-key.pem -out $side.csr
    printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' $side >$side.ext
    openssl x509 -req -days 2 -in $side.csr -CA ca.pem -CAkey authority.pem -CAcreateserial -extfile $side.ext -out $side-cert.pem
done
mkdir us strangers
cp ca.pem us/; cp client-cert.pem us/cert.pem; cp client-key.pem us/key.pem
cp us/cert.pem us/key.pem strangers/
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.pem -out strangers/ca.pem"#;

fn engine(folder: &Path) -> (DockerEngine, String) {
    let made = Command::new("sh").args(["-c", CERTIFICATES]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("tcp://127.0.0.1:{port}");
    let file = |name: &str| folder.join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("server-cert.pem"), file("server-key.pem"));
    let tls = ["--tlsverify", "--tlscacert", &ca, "--tlscert", &cert, "--tlskey", &key];
    (DockerEngine::start_with(&[&["--host", &host][..], &tls].concat()), host)
}

#[test]
fn files_come_back_over_tls_and_only_with_the_right_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, host) = engine(folder.path());
    engine.container("app", &["--volume", "data:/data"]);
    let sh = |script: &str| engine.docker(&["exec", "app", "sh", "-c", script]);
    sh("head -c 3000000 /dev/urandom >/data/noise");
    let spec = format!("container: app, docker_host: \"{host}\"");
    let scene = |verify: &str, certificates: &str| {
        Scene::new()
            .with_transport("bahub.transports.docker", &spec)
            .with_adapter("bahub.adapters.filesystem", "paths: [/data]")
            .with_variable("DOCKER_TLS_VERIFY", verify)
            .with_variable("DOCKER_CERT_PATH", &folder.path().join(certificates).display().to_string())
    };
    comes_back("relayed", &scene("1", "us"), || sh("sha256sum /data/noise"), || drop(sh("rm /data/noise")));
    for (verify, certificates) in [("1", "strangers"), ("1", "nowhere"), ("", "us")] {
        let refused = scene(verify, certificates).json(&[":backup:make", "tree"]);
        refused.assert_code(7).assert_error(&["cannot reach the Docker Engine at tcp://127.0.0.1"]);
    }
}

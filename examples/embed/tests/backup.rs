//! The example makes a real version.

use std::fs;
use std::process::Command;

use bahub_crypto::{KeyGeneration, generate, write_key_pair};

#[test]
fn another_program_makes_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let spec = KeyGeneration {
        name: None,
        email: "me@example.org".into(),
        passphrase: None,
        algorithm: Default::default(),
        validity: None,
    };
    write_key_pair(&generate(&spec).unwrap(), &path("private.asc"), &path("public.asc")).unwrap();
    fs::create_dir(path("data")).unwrap();
    fs::write(path("data/file"), "precious").unwrap();
    let root = folder.path().display();
    let yaml = format!(
        "accesses:\n  disk: {{ url: \"file://{root}/store\" }}\n\
         encryption:\n  key: {{ private_key_path: private.asc, public_key_path: public.asc, email: me@example.org }}\n\
         transports:\n  local: {{ type: bahub.transports.sh, spec: {{}} }}\n\
         backups:\n  files:\n    meta: {{ type: bahub.adapters.filesystem, access: disk, encryption: key, transport: local }}\n    \
         spec: {{ paths: [\"{root}/data\"] }}\n"
    );
    fs::write(path("bahub.yaml"), yaml).unwrap();

    let output = Command::new(env!("CARGO_BIN_EXE_embed")).arg(path("bahub.yaml")).arg("files").output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("files: v1"));
    assert!(path("store/files/v000001.json").exists());
}

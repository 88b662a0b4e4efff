//! Both programs make a real version.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bahub_crypto::{KeyGeneration, generate, write_key_pair};

/// Creates a key, and data to back up.
fn prepare(folder: &Path) {
    let path = |name: &str| folder.join(name);
    let spec = KeyGeneration::new("me@example.org");
    write_key_pair(&generate(&spec).unwrap(), &path("private.asc"), &path("public.asc")).unwrap();
    fs::create_dir(path("data")).unwrap();
    fs::write(path("data/file"), "precious").unwrap();
}

fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn another_program_makes_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    prepare(folder.path());
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

    assert_succeeded(&output);
    assert!(String::from_utf8_lossy(&output.stdout).contains("files: v1"));
    assert!(path("store/files/v000001.json").exists());
}

#[test]
fn another_program_makes_a_version_and_restores_it_without_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    prepare(folder.path());

    let mut command = Command::new(env!("CARGO_BIN_EXE_without-yaml"));
    let paths = ["data", "store", "private.asc", "public.asc", "restored"].map(path);
    let output = command.args(paths).output().unwrap();

    assert_succeeded(&output);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "backup of files: v1\nrestore of files: v1\n");
    // Members of the archive are named from the root.
    let data = path("data/file");
    let restored = path("restored").join(data.strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(restored).unwrap(), "precious");
}

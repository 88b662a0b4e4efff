//! The program that a third party ships: the adapter in a configuration, from the key to the restored data.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::path::Path;
use std::process::{Command, Output};

fn custom_adapter(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-adapter"));
    command.current_dir(folder).env("ACME_RUN_LOG", "runs");
    let ended = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "custom-adapter {arguments:?} ended with {}: {said}", ended.status);
    ended
}

fn git(repository: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=acme", "-c", "user.email=acme@example.org", "-c", "commit.gpgsign=false"];
    let ended = Command::new("git").arg("-C").arg(repository).args(who).args(arguments).output().unwrap();
    assert!(ended.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

fn config(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "accesses:
  disk: {{ url: 'file://{folder}/versions' }}
encryption:
  key:
    private_key_path: {folder}/private.asc
    public_key_path: {folder}/public.asc
    email: acme@example.org
transports:
  local: {{ type: bahub.transports.sh, spec: {{}} }}
backups:
  shop:
    meta: {{ type: acme.adapters.git, access: disk, encryption: key, transport: local }}
    spec: {{ repository: {folder}/shop }}
"
    )
}

#[test]
fn a_repository_is_backed_up_and_restored_by_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    git(&shop, &["init", "--quiet", "--initial-branch=main"]);
    git(&shop, &["commit", "--quiet", "--allow-empty", "--message", "first"]);
    std::fs::write(folder.path().join("bahub.yaml"), config(folder.path())).unwrap();
    let key = ["key", "generate", "--email", "acme@example.org", "--no-passphrase"];
    let files = ["--private-key", "private.asc", "--public-key", "public.asc"];
    custom_adapter(folder.path(), &[key.as_slice(), &files].concat());

    custom_adapter(folder.path(), &["-c", "bahub.yaml", "config", "check"]);
    custom_adapter(folder.path(), &["-c", "bahub.yaml", ":backup:make", "shop"]);
    let to = folder.path().join("restored").display().to_string();
    custom_adapter(folder.path(), &["-c", "bahub.yaml", ":backup:restore", "shop", "--to", &to, "--yes"]);

    let runs = std::fs::read_to_string(folder.path().join("runs")).unwrap();
    assert_eq!(runs.lines().filter(|line| line.contains(r#""exit":"ok""#)).count(), 2, "{runs}");
    let refs = ["for-each-ref"];
    assert_eq!(git(Path::new(&to), &refs), git(&shop, &refs));
}

#[test]
fn the_program_lists_the_adapter_beside_bahubs_own() {
    let output = custom_adapter(Path::new("/"), &[":help:info"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["acme.adapters.git", "bahub.adapters.filesystem", "bahub.transports.sh"] {
        assert!(text.contains(name), "{name} is missing: {text}");
    }
}

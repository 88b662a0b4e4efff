//! gpg reads what bahub writes, and bahub restores what gpg wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use bahub_testkit::fixtures::GnupgHome;

use super::support::{COLLECTION, EMAIL, Scene, Server, compare};

/// Runs a pipeline of which every program must succeed; returns its output.
#[track_caller]
fn pipeline(gpg: &GnupgHome, line: &str, args: &[&str]) -> String {
    let ended = Command::new("bash")
        .args(["-euo", "pipefail", "-c", line, "bash"])
        .args(args)
        .env("GNUPGHOME", gpg.path())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

const READ: &str = "gpg --batch --quiet --decrypt \"$1\" | zstd -d | tar -t";

/// As the original made backups: `tar -cz`, and `gpg --encrypt --armor` with all its defaults.
const MAKE: &str = "tar -cz -C / -- \"$1\" \
    | gpg --batch --quiet --trust-model always --encrypt --armor --recipient \"$2\" \
    | curl --silent --show-error --fail -X POST -H \"Authorization: Bearer $3\" \
    -H \"Content-Type: application/pgp-encrypted\" --data-binary @- \"$4\"";

fn relative(path: &Path) -> String {
    path.strip_prefix("/").unwrap().display().to_string()
}

#[track_caller]
fn assert_lists(scene: &Scene, listed: &str) {
    let data = relative(&scene.data());
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines, [format!("{data}/"), format!("{data}/a file"), format!("{data}/noise")]);
}

fn sorted(listed: &str) -> String {
    let mut lines: Vec<&str> = listed.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn gpg_reads_what_bahub_wrote_into_a_directory() {
    let scene = Scene::new();
    scene.make();
    let gpg = GnupgHome::new();
    gpg.import(&scene.keys().private());
    let listed = pipeline(&gpg, READ, &[&scene.message(1).display().to_string()]);
    assert_lists(&scene, &sorted(&listed));
}

#[test]
fn gpg_reads_what_bahub_wrote_to_a_server() {
    let server = Server::start();
    let scene = Scene::new().with_access(&server.access());
    scene.make();
    let gpg = GnupgHome::new();
    gpg.import(&scene.keys().private());
    let file = scene.at("fetched.asc");
    let url = format!("{}/api/alpha/repository/collection/{COLLECTION}/version/v1", server.url());
    let fetch = "curl --silent --show-error --fail -o \"$1\" -H \"Authorization: Bearer $2\" \"$3\"";
    pipeline(&gpg, fetch, &[&file.display().to_string(), server.token(), &url]);
    assert!(fs::read_to_string(&file).unwrap().starts_with("-----BEGIN PGP MESSAGE-----\n"));
    let listed = pipeline(&gpg, READ, &[&file.display().to_string()]);
    assert_lists(&scene, &sorted(&listed));
}

/// Uploads what gpg makes for this key and restores it with this encryption.
fn restores_what_gpg_wrote(gpg: &GnupgHome, email: &str, encryption: &str) {
    let server = Server::start();
    let scene = Scene::with_odd_tree().with_access(&server.access()).with_encryption(encryption);
    let url = format!("{}/api/alpha/repository/collection/{COLLECTION}/version", server.url());
    // What tar -cz without options does not keep is not part of the claim.
    for name in ["plain", "zz-hard-link"] {
        fs::remove_file(scene.data().join(name)).unwrap();
    }
    pipeline(gpg, MAKE, &[&relative(&scene.data()), email, server.token(), &url]);
    let verified = scene.json(&[":backup:verify", "tree", "--version", "v1"]);
    verified.assert_code(0);
    let restored = scene.json(&[":backup:restore", "tree", "--version", "1", "--to", "out"]);
    restored.assert_code(0);
    // The times of ustar and GNU archives are whole seconds.
    let ours = scene.data();
    let theirs = scene.at("out").join(relative(&ours));
    let compared = Command::new("rsync")
        .args(["-aHn", "--checksum", "--delete", "-i"])
        .args([ours.join(""), theirs.join("")])
        .output()
        .unwrap();
    assert_eq!((compared.status.success(), String::from_utf8_lossy(&compared.stdout).as_ref()), (true, ""));
}

#[test]
fn a_backup_of_the_original_whose_gzip_was_cut_touches_nothing() {
    let server = Server::start();
    let scene = Scene::new().with_access(&server.access());
    let gpg = GnupgHome::new();
    gpg.import(&scene.keys().public());
    let url = format!("{}/api/alpha/repository/collection/{COLLECTION}/version", server.url());
    let cut = MAKE.replacen("tar -cz -C / -- \"$1\"", "{ tar -cz -C / -- \"$1\" || true; } | head -c 200000", 1);
    pipeline(&gpg, &cut, &[&relative(&scene.data()), EMAIL, server.token(), &url]);
    for args in [&[":backup:verify", "tree"][..], &[":backup:restore", "tree", "--to", "out"]] {
        scene.json(args).assert_code(12);
        assert!(!scene.at("out").exists(), "the target was touched");
    }
}

#[test]
fn bahub_restores_what_gpg_wrote_for_its_own_rsa_key() {
    let gpg = GnupgHome::new();
    let (private, _) = gpg.generate("old@example.org", "rsa3072", "riotkit");
    let encryption = format!(
        "private_key_path: {}, public_key_path: \"\", passphrase: riotkit, email: old@example.org",
        private.display()
    );
    restores_what_gpg_wrote(&gpg, "old@example.org", &encryption);
}

#[test]
fn bahub_restores_what_gpg_wrote_for_an_rsa_key_of_bahub() {
    let scene = Scene::new();
    fs::write(scene.at("passphrase"), "a passphrase of ours\n").unwrap();
    let made = scene.run(&[
        ":key:generate",
        "--email",
        "new@example.org",
        "--type",
        "rsa4096",
        "--passphrase-file",
        "passphrase",
        "--private-key",
        "rsa.asc",
        "--public-key",
        "rsa.pub.asc",
    ]);
    made.assert_code(0);
    let gpg = GnupgHome::new();
    gpg.import(&scene.at("rsa.pub.asc"));
    let encryption = format!(
        "private_key_path: {}, public_key_path: {}, passphrase: \"${{file:{}}}\", email: new@example.org",
        scene.at("rsa.asc").display(),
        scene.at("rsa.pub.asc").display(),
        scene.at("passphrase").display(),
    );
    restores_what_gpg_wrote(&gpg, "new@example.org", &encryption);
}

#[test]
fn bahub_restores_what_gpg_wrote_for_a_curve_key_of_bahub() {
    let keys = Scene::new();
    let gpg = GnupgHome::new();
    gpg.import(&keys.keys().public());
    let encryption = format!("private_key_path: {}, email: {EMAIL}", keys.keys().private().display());
    restores_what_gpg_wrote(&gpg, EMAIL, &encryption);
}

/// The configuration, program name and options of the original's users.
#[test]
fn the_original_s_configuration_and_command_line_restore_its_backups() {
    let server = Server::start();
    server.add_collection("11111-2222-33333-4444", Default::default());
    let gpg = GnupgHome::new();
    let (private, _) = gpg.generate("bakunin@example.org", "rsa3072", "riotkit");
    let scene =
        Scene::new().with_variable("API_TOKEN", server.token()).with_variable("COLLECTION", "11111-2222-33333-4444");
    let config = scene.at(".backup-controller/config.yaml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::copy(private, config.with_file_name("gpg-key.asc")).unwrap();
    fs::remove_file(scene.config()).unwrap();
    let text =
        &include_str!("../data/original.yaml").replace("type: slack\n", "type: slack\n        max_retry_num: 0\n");
    let text = text.replace("@URL@", &server.url()).replace("@DATA@", &scene.data().display().to_string());
    fs::write(&config, text).unwrap();
    let program = |args: &[&str]| {
        let mut command = scene.command_of(env!("CARGO_BIN_EXE_backup-controller"), args);
        command.env_remove("CONFIG");
        let ended = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(!said.contains("riotkit") && !said.contains(server.token()), "{said}");
        (ended.status.code(), said)
    };
    let url = format!("{}/api/alpha/repository/collection/11111-2222-33333-4444/version", server.url());
    pipeline(&gpg, MAKE, &[&relative(&scene.data()), "bakunin@example.org", server.token(), &url]);
    let (code, said) =
        program(&["-rl", "debug", "--show-secrets", ":backup:restore", "fs", "--version", "v1", "--to", "out"]);
    assert_eq!(code, Some(0), "{said}");
    compare_content(&scene);
    let (code, said) = program(&[":backup:make", "fs", "--debug"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(server.versions("11111-2222-33333-4444").len(), 2);
    let (code, said) = program(&["--config", &config.display().to_string(), ":backup:restore", "fs", "--to", "latest"]);
    assert_eq!(code, Some(0), "{said}");
    compare(&scene.data(), &scene.at("latest"));
}

fn compare_content(scene: &Scene) {
    let restored = scene.at("out").join(relative(&scene.data()));
    for name in ["a file", "noise"] {
        assert!(fs::read(restored.join(name)).unwrap() == fs::read(scene.data().join(name)).unwrap(), "{name}");
    }
}

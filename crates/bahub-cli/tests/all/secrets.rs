//! No secret where another user can read it.

use std::fs;

use bahub_testkit::contains;

use super::support::{Gate, PASSWORD, REAL_TAR, Run, Scene, Server, all_processes, is_create, shim};

const PASSPHRASE: &str = "correct horse of the secret test";
/// Stands in the environment on purpose: a look that does not find it finds nothing.
const MARKER: &str = "marker-that-must-be-seen";

/// A scene with a locked key, whose tar waits at the gate when it makes or reads an archive.
fn scene(access: &str) -> (Scene, Gate) {
    let scene = Scene::new().with_variable("MARKER", MARKER);
    fs::write(scene.at("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    let generate = [
        ":key:generate",
        "--email",
        "locked@example.org",
        "--passphrase-file",
        "passphrase",
        "--private-key",
        "locked.asc",
        "--public-key",
        "locked.pub.asc",
    ];
    scene.run(&generate).assert_code(0);
    let encryption = format!(
        "private_key_path: {}, public_key_path: {}, passphrase: \"{PASSPHRASE}\", email: locked@example.org",
        scene.at("locked.asc").display(),
        scene.at("locked.pub.asc").display()
    );
    let mut scene = scene.with_access(access).with_encryption(&encryption);
    let gate = Gate::new(&scene, "tar");
    let lines = format!(
        "case \" $* \" in *' --version '*) exec {REAL_TAR} \"$@\" ;; esac\n{}\n{}\nexec {REAL_TAR} \"$@\"",
        gate.announce(),
        gate.wait()
    );
    shim(&mut scene, &lines);
    (scene, gate)
}

#[track_caller]
fn assert_silent(run: &Run, secrets: &[&str]) {
    for secret in secrets {
        for (name, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            assert!(!text.contains(secret), "{secret} is in {name}: {text}");
        }
    }
}

/// Looks at all processes while a tar of ours waits.
fn look(secrets: &[&str]) {
    let processes = all_processes();
    let marked: Vec<&str> = processes
        .iter()
        .filter(|(_, content)| contains(content, MARKER.as_bytes()))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(marked.contains(&"bahub") && marked.contains(&"tar"), "{marked:?}");
    for (name, content) in &processes {
        for secret in secrets {
            assert!(!contains(content, secret.as_bytes()), "a secret can be read of {name}");
        }
    }
}

/// Makes and restores with all output that there can be.
fn assert_nothing_leaks(access: &str, secrets: &[&str]) {
    let (scene, mut gate) = scene(access);
    let make = [":backup:make", "tree"];
    let restore = [":backup:restore", "tree", "--yes", "--to", "out"];
    for args in [&make[..], &restore] {
        for loud in [&["-vv"][..], &["-rl", "trace"], &["--debug", "--show-secrets"]] {
            let running = scene.start(&[loud, args].concat());
            gate.reached();
            look(secrets);
            gate.open();
            let run = running.finish();
            run.assert_code(0);
            assert!(run.stderr.len() + run.stdout.len() > 200);
            assert_silent(&run, secrets);
        }
    }
    let shown = scene.run(&[":config:show", "tree"]);
    shown.assert_code(0);
    assert!(shown.stdout.contains("tree"), "{shown:?}");
    assert_silent(&shown, secrets);
    let checked = scene.run(&[":config:check", "tree"]);
    checked.assert_code(0);
    assert_silent(&checked, secrets);
}

#[test]
fn a_token_and_a_passphrase_are_seen_nowhere() {
    let server = Server::start();
    assert_nothing_leaks(&server.access(), &[server.token(), PASSPHRASE]);
}

#[test]
fn a_password_and_a_passphrase_are_seen_nowhere() {
    let server = Server::start();
    assert_nothing_leaks(&server.access_by_password(), &[PASSWORD, PASSPHRASE]);
    assert_eq!(server.active_sessions(), []);
}

#[test]
fn a_secret_of_a_variable_is_not_passed_on_to_programs() {
    let server = Server::start();
    let access = format!("url: \"{}\", token: \"${{API_TOKEN}}\"", server.url());
    let (scene, mut gate) = scene(&access);
    let key = "a-key-of-aws-that-nobody-else-needs";
    let proxy = "a-password-of-the-proxy";
    let scene = scene
        .with_variable("API_TOKEN", server.token())
        .with_variable("AWS_SECRET_ACCESS_KEY", key)
        .with_variable("https_proxy", &format!("http://user:{proxy}@127.0.0.1:9"));
    for args in [&[":backup:make", "tree"][..], &[":backup:restore", "tree", "--to", "out"]] {
        let running = scene.start(args);
        let tar = gate.reached();
        let read = |file: &str| fs::read(format!("/proc/{}/{file}", tar.as_raw_nonzero())).unwrap();
        let seen = String::from_utf8_lossy(&[read("environ"), read("cmdline")].concat()).into_owned();
        assert!(seen.contains(MARKER));
        assert!([server.token(), key, proxy].iter().all(|secret| !seen.contains(secret)), "{seen}");
        gate.open();
        running.finish().assert_code(0);
    }
}

#[test]
fn a_wrong_passphrase_is_not_repeated() {
    let scene = Scene::new();
    fs::write(scene.at("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    let generate = [
        ":key:generate",
        "--email",
        "locked@example.org",
        "--passphrase-file",
        "passphrase",
        "--private-key",
        "locked.asc",
        "--public-key",
        "locked.pub.asc",
    ];
    scene.run(&generate).assert_code(0);
    let private = scene.at("locked.asc");
    let wrong = "battery staple which is wrong";
    let scene = scene.with_encryption(&format!(
        "private_key_path: {}, passphrase: \"{wrong}\", email: locked@example.org",
        private.display()
    ));
    scene.make();
    for args in [&[":backup:verify", "tree"][..], &["-rl", "trace", ":backup:restore", "tree", "--to", "out"]] {
        let run = scene.json(args);
        run.assert_code(6).assert_error(&["passphrase", "locked.asc"]);
        assert_silent(&run, &[wrong, PASSPHRASE]);
    }
    assert!(!scene.at("out").exists());
}

#[test]
fn refused_credentials_are_not_repeated() {
    let server = Server::start();
    let token = "eyJ-a-token-that-nobody-knows";
    let scene = Scene::new().with_access(&format!("url: \"{}\", token: \"{token}\"", server.url()));
    let run = scene.json(&["-rl", "trace", ":backup:make", "tree"]);
    run.assert_code(10).assert_error(&["401"]);
    assert_silent(&run, &[token]);
    let password = "a-password-that-is-wrong";
    let access = format!("url: \"{}\", username: backups, password: \"{password}\"", server.url());
    let scene = Scene::new().with_access(&access);
    let run = scene.json(&["-rl", "trace", ":backup:make", "tree"]);
    run.assert_code(10).assert_error(&["401"]);
    assert_silent(&run, &[password]);
}

#[test]
fn a_secret_that_a_program_says_is_scrubbed() {
    let server = Server::start();
    let mut scene = Scene::new().with_access(&server.access());
    shim(&mut scene, &is_create(&format!("echo 'my token is {}' >&2\nexit 2", server.token())));
    let run = scene.json(&["-vv", ":backup:make", "tree"]);
    run.assert_code(9).assert_error(&["my token is"]);
    assert_silent(&run, &[server.token()]);
}

#[test]
fn making_a_backup_needs_no_private_key() {
    let scene = Scene::new();
    let public = scene.keys().public().display().to_string();
    let email = super::support::EMAIL;
    let scene = scene.with_encryption(&format!("public_key_path: {public}, email: {email}"));
    scene.make();
    scene.json(&[":backup:verify", "tree"]).assert_code(3);
}

//! No file is made outside the store: the kernel's own word, by strace.

use std::fs;
use std::path::Path;

use super::support::{Running, Scene, Server};

/// Calls that make a name, or give one to something.
const CALLS: &str = "trace=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,\
                     rename,renameat,renameat2,truncate";

/// The names that the program and all its children made, and the files that they opened for writing.
fn written(scene: &Scene, args: &[&str]) -> Vec<String> {
    let log = scene.at("strace.log");
    let program = env!("CARGO_BIN_EXE_bahub");
    // Decoded by descriptor (`-y`), so that names relative to a folder are whole.
    let strace =
        ["-f", "-qq", "-y", "-s", "4096", "-e", CALLS, "-e", "signal=none", "-o", log.to_str().unwrap(), program];
    Running::start(scene.command_of("strace", &[&strace, args].concat())).finish().assert_code(0);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().any(|line| line.contains("O_RDONLY")), "strace saw nothing:\n{log}");
    log.lines().filter(|line| makes(line)).map(str::to_owned).collect()
}

/// Whether a line shows a successful call that made a name or can have changed a file.
fn makes(line: &str) -> bool {
    // 1234  openat(AT_FDCWD</tmp>, "name", O_WRONLY|O_CREAT, 0600) = 3</tmp/name>
    let Some((call, result)) = line.rsplit_once(" = ") else { return false };
    let opens = call.contains(" open");
    !result.starts_with('-')
        && (!opens || ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TMPFILE"].iter().any(|flag| call.contains(flag)))
}

#[track_caller]
fn assert_only_below(lines: &[String], folders: &[&Path]) {
    for line in lines {
        // Null, the terminal, and a task's own names in /proc hold no data; the run lock holds none but its holder.
        let harmless = ["</dev/null>", "</dev/tty>", "/bahub-", "</proc/"].iter().any(|name| line.contains(name));
        let below = folders.iter().any(|folder| line.contains(folder.to_str().unwrap()));
        assert!(below || (harmless && !line.contains(".pgp")), "made outside: {line}");
    }
}

#[test]
fn a_backup_makes_files_in_its_store_alone() {
    let scene = Scene::with_noise(3_000_000);
    let lines = written(&scene, &[":backup:make", "tree"]);
    assert_only_below(&lines, &[&scene.at("store")]);
    let made = lines.iter().filter(|line| line.contains("/store/tree")).count();
    assert!(made >= 3, "the message, its name and the version's file: {lines:#?}");
    assert_only_below(&written(&scene, &[":backup:verify", "tree"]), &[]);
}

#[test]
fn a_backup_to_a_server_and_its_proof_make_none_and_a_restore_only_what_is_restored() {
    let server = Server::start();
    let scene = Scene::with_noise(3_000_000).with_access(&server.access());
    assert_only_below(&written(&scene, &[":backup:make", "tree"]), &[]);
    assert_only_below(&written(&scene, &[":backup:verify", "tree"]), &[]);
    let out = scene.at("out");
    fs::create_dir(&out).unwrap();
    let lines = written(&scene, &[":backup:restore", "tree", "--yes", "--to", out.to_str().unwrap()]);
    assert_only_below(&lines, &[&out]);
    assert!(lines.iter().any(|line| line.contains("noise")), "{lines:#?}");
}

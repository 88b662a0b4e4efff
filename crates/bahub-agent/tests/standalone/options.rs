//! The predecessor's variables and spellings.

use std::fs;
use std::process::Command;

use crate::support::{Bench, COLLECTION, assert_exit, said};

fn by_variables(bench: &Bench, verb: &str) -> Command {
    let mut command = bench.program();
    command.arg(verb).env("BM_URL", bench.server.url()).env("BM_COLLECTION_ID", COLLECTION);
    command.env("BM_AUTH_TOKEN", &bench.token).env("BM_TIMEOUT", "30").env("BM_LOG_LEVEL", "debug");
    command
}

#[test]
fn everything_can_be_said_by_variables() {
    let bench = Bench::new();
    for key in ["BM_PUBLIC_KEY_PATH", "BM_KEY"] {
        let mut make = by_variables(&bench, "make");
        make.env(key, bench.keys.public()).env("BM_CMD", "echo all").env("BM_RECIPIENT", "conformance@example.org");
        assert_exit(&make.output().unwrap(), 0);
    }
    for key in ["BM_PRIVATE_KEY_PATH", "BM_PRIVATE_KEY", "BM_KEY"] {
        let mut restore = by_variables(&bench, "restore");
        restore.env(key, bench.keys.private()).env("BM_CMD", "cat > restored").env("BM_VERSION", "v1");
        assert_exit(&restore.output().unwrap(), 0);
        assert_eq!(fs::read(bench.path("restored")).unwrap(), b"all\n");
        fs::remove_file(bench.path("restored")).unwrap();
    }
    let mut download = by_variables(&bench, "download");
    download.env("BM_PRIVATE_KEY_PATH", bench.keys.private()).env("BM_SAVE_PATH", "saved");
    assert_exit(&download.output().unwrap(), 0);
    assert_eq!(fs::read(bench.path("saved")).unwrap(), b"all\n");
}

#[test]
fn a_variable_comes_before_an_option_with_a_warning() {
    let bench = Bench::new();
    let output = bench.making("echo option").env("BM_CMD", "echo variable").output().unwrap();
    assert_exit(&output, 0);
    assert!(said(&output).contains("--cmd has no effect: BM_CMD is set"), "{}", said(&output));
    assert_eq!(bench.gpg().decrypt(&bench.message(), ""), b"variable\n");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let bench = Bench::new();
    assert_exit(&bench.program().output().unwrap(), 2);
    assert_exit(&bench.with_server("make").args(["-c", "touch ran"]).output().unwrap(), 2);
    assert_exit(&bench.making("touch ran").args(["--timeout", "soon"]).output().unwrap(), 2);
    assert_exit(&bench.making("touch ran").env("BM_URL", "ftp://example.org").output().unwrap(), 2);
    assert_exit(&bench.restoring("touch ran").args(["-s", "newest"]).output().unwrap(), 2);
    assert!(!bench.path("ran").exists() && bench.server.requests().is_empty());
}

#[test]
fn the_log_level_is_kept_to() {
    let bench = Bench::new();
    let quiet = bench.making("echo said >&2").args(["--log-level", "error"]).output().unwrap();
    assert_eq!(said(&quiet), "said\n");
    let odd = bench.making("true").args(["--log-level", "loud"]).output().unwrap();
    assert_exit(&odd, 0);
    assert!(said(&odd).contains("unknown log level"), "{}", said(&odd));
}

#[test]
fn help_and_the_programs_version_are_printed() {
    let bench = Bench::new();
    let help = bench.program().args(["make", "--help"]).output().unwrap();
    assert_exit(&help, 0);
    assert!(String::from_utf8_lossy(&help.stdout).contains("BM_PRIVATE_KEY_PATH"));
    let version = bench.program().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("backup-maker {}\n", env!("CARGO_PKG_VERSION")));
}

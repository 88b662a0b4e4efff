//! What every user of the host can read.

use std::fs;

use bahub_testkit::fixtures::{GnupgHome, secrets_in_proc};

use crate::support::{Bench, assert_exit, said, wait};

/// Given to programs in ways that others can see.
const PASSPHRASE: &str = "a passphrase that nobody shall see";
/// In files alone: tests that run beside the one that looks for it do not use it.
const OF_FILES: &str = "what stands in files alone";

#[test]
fn secrets_of_files_stand_in_no_process() {
    let (bench, home) = (Bench::new(), GnupgHome::new());
    let (private, _) = home.generate("shop@example.org", "future-default", OF_FILES);
    fs::write(bench.path("passphrase"), OF_FILES).unwrap();
    let secrets = [bench.token.as_str(), OF_FILES];
    let run = async {
        let mut make = bench.with_server("make");
        make.arg("-k").arg(&private).args(["-c", "seq 100000 | cat; sleep 0.5"]);
        assert_exit(&make.output().unwrap(), 0);
        let mut restore = bench.with_server("restore");
        restore.arg("-p").arg(&private).args(["--passphrase-file", "passphrase", "-c", "cat > out; env > env"]);
        assert_exit(&restore.output().unwrap(), 0);
    };
    let ((), seen, looked_at) = wait(secrets_in_proc(&secrets, run));
    assert!(looked_at >= 3, "{looked_at} processes were seen");
    assert!(seen.is_empty(), "{seen:?}");
    assert!(fs::read_to_string(bench.path("out")).unwrap().ends_with("\n100000\n"));
}

#[test]
fn secrets_of_variables_reach_no_command() {
    let bench = Bench::new();
    let mut make = bench.making("env");
    make.env("BM_AUTH_TOKEN", &bench.token).env("BM_PASSPHRASE", PASSPHRASE).env("SHOP", "open");
    assert_exit(&make.output().unwrap(), 0);
    let env = String::from_utf8(bench.gpg().decrypt(&bench.message(), "")).unwrap();
    assert!(env.contains("SHOP=open"));
    assert!(!env.contains(&bench.token) && !env.contains(PASSPHRASE), "{env}");
}

#[test]
fn a_command_inherits_the_credentials_that_are_its_own() {
    let bench = Bench::new();
    let mut make = bench.making("env");
    make.env("AWS_SECRET_ACCESS_KEY", "of-the-command").env("HTTPS_PROXY", "http://user:word@127.0.0.1:1");
    make.env("NO_PROXY", "127.0.0.1");
    assert_exit(&make.output().unwrap(), 0);
    let env = String::from_utf8(bench.gpg().decrypt(&bench.message(), "")).unwrap();
    assert!(env.contains("AWS_SECRET_ACCESS_KEY=of-the-command") && env.contains("HTTPS_PROXY=http://user"), "{env}");
}

#[test]
fn a_secret_in_argv_is_warned_of_and_not_repeated() {
    let bench = Bench::new();
    let quiet = bench.make("echo all");
    assert!(!said(&quiet).contains("warning"), "{}", said(&quiet));
    let mut make = bench.program();
    make.args(["make", "-u", &bench.server.url(), "-i", "shop", "-t", &bench.token, "--passphrase", PASSPHRASE]);
    make.arg("-k").arg(bench.keys.public()).args(["-c", "echo all"]);
    let output = make.output().unwrap();
    assert_exit(&output, 0);
    for option in ["--auth-token is visible to every user", "--passphrase is visible to every user"] {
        assert!(said(&output).contains(option), "{}", said(&output));
    }
    assert!(!said(&output).contains(&bench.token) && !said(&output).contains(PASSPHRASE));
}

#[test]
fn what_a_command_says_of_a_secret_is_scrubbed() {
    let bench = Bench::new();
    let output = bench.make("cat token >&2; exit 1");
    assert!(said(&output).contains("[redacted]") && !said(&output).contains(&bench.token), "{}", said(&output));
}

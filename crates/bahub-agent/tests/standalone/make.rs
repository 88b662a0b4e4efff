//! What becomes a version, and what does not.

use std::fs;
use std::path::PathBuf;

use bahub_testkit::backup_repository::{Fault, Refusal};
use bahub_testkit::fixtures::{GnupgHome, noise};

use crate::support::{Bench, COLLECTION, assert_exit, line_of, said, started};

#[test]
fn gpg_gives_exactly_what_the_command_wrote() {
    let bench = Bench::new();
    let gpg = bench.gpg();
    // The magic numbers of gzip and zstd: nothing may be made of them.
    for head in [&b""[..], &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd]] {
        let data = [head, &noise(3_000_001)].concat();
        fs::write(bench.path("data"), &data).unwrap();
        assert_exit(&bench.make("cat data"), 0);
        assert!(bench.message().starts_with(b"-----BEGIN PGP MESSAGE-----"));
        assert!(gpg.decrypt(&bench.message(), "") == data);
    }
    assert_eq!(bench.count(), 3);
}

#[test]
fn a_command_that_fails_or_is_killed_leaves_no_version() {
    let bench = Bench::new();
    for command in ["echo half; exit 3", "echo half; kill -9 $$", "cat /nowhere | gzip", "cd /nowhere; echo all"] {
        let output = bench.make(command);
        assert_exit(&output, 9);
    }
    assert_eq!(bench.count(), 0);
}

/// A `PATH` that holds a shell and nothing else that it does not have itself.
fn only(bench: &Bench, shell: &str) -> PathBuf {
    let folder = bench.path("bin");
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(shell));
    let found = found.find(|path| path.exists()).expect("scripts/testbed brings this shell");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(found, folder.join("sh")).unwrap();
    folder
}

#[test]
fn without_bash_the_shell_of_busybox_will_do() {
    let bench = Bench::new();
    let path = only(&bench, "busybox");
    assert_exit(&bench.making("echo all | cat").env("PATH", &path).output().unwrap(), 0);
    assert_exit(&bench.making("false | cat").env("PATH", &path).output().unwrap(), 9);
    assert_eq!(bench.count(), 1);
}

#[test]
fn a_shell_that_would_miss_a_failure_stores_nothing() {
    let bench = Bench::new();
    let path = only(&bench, "dash");
    assert_exit(&bench.making("false | true").env("PATH", path).output().unwrap(), 9);
    assert_eq!(bench.count(), 0);
}

#[test]
fn the_commands_words_are_passed_on_and_its_end_is_reported() {
    let bench = Bench::new();
    let output = bench.make("echo 'table shop is locked' >&2; exit 3");
    assert!(said(&output).lines().any(|line| line == "table shop is locked"), "{}", said(&output));
    assert!(said(&output).contains("error: bash failed: exit status 3"), "{}", said(&output));
}

#[test]
fn refusals_of_the_server_are_failures() {
    let bench = Bench::new();
    fs::write(bench.path("wrong"), "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl\n").unwrap();
    assert_exit(&bench.making("echo all").args(["--auth-token-file", "wrong"]).output().unwrap(), 2);
    let wrong = bench.making("echo all").env("BM_AUTH_TOKEN_FILE", "wrong").output().unwrap();
    assert_exit(&wrong, 10);
    assert!(said(&wrong).contains("401") && !said(&wrong).contains("eyJ"), "{}", said(&wrong));
    assert_exit(&bench.making("echo all").env("BM_COLLECTION_ID", "nowhere").output().unwrap(), 11);
    bench.server.set_window(COLLECTION, false);
    assert_exit(&bench.make("echo all"), 10);
    bench.server.set_window(COLLECTION, true);
    bench.server.misbehave(Fault::refuse_upload_after(Refusal::ServerError, 100_000));
    assert_exit(&bench.make("cat /dev/zero"), 10);
    assert_eq!(bench.count(), 0);
}

#[test]
fn a_200_without_a_version_is_no_success() {
    let bench = Bench::new();
    bench.server.misbehave(Fault::accept_without_registering());
    let output = bench.make("echo all");
    assert!(!output.status.success(), "{}", said(&output));
    assert_eq!(bench.count(), 0);
}

#[test]
fn a_private_key_file_of_gpg_will_do_and_the_recipient_must_be_in_it() {
    let (bench, home) = (Bench::new(), GnupgHome::new());
    let (private, _) = home.generate("shop@example.org", "future-default", "riotkit");
    let make = |recipient: &str| {
        let mut command = bench.with_server("make");
        command.arg("--key").arg(&private).args(["--recipient", recipient, "--cmd", "echo all"]);
        command.output().unwrap()
    };
    assert_exit(&make("Shop <shop@example.org>"), 0);
    assert_eq!(home.decrypt(&bench.message(), "riotkit"), b"all\n");
    assert_exit(&make("other@example.org"), 6);
    assert_exit(&make("0123456789ABCDEF"), 6);
    assert_eq!(bench.count(), 1);
}

#[test]
fn of_a_file_of_two_keys_the_fingerprint_says_which() {
    let (bench, home) = (Bench::new(), GnupgHome::new());
    let ring = bench.path("ring.asc");
    for address in ["other@example.org", "shop@example.org"] {
        home.generate(address, "future-default", "riotkit");
    }
    fs::write(&ring, home.gpg(&["--export", "--armor"], b"")).unwrap();
    let listed = String::from_utf8(home.gpg(&["--with-colons", "--list-keys", "shop@example.org"], b"")).unwrap();
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
    let mut command = bench.with_server("make");
    command.arg("--key").arg(&ring).args(["--recipient", fingerprint, "--cmd", "echo all"]);
    assert_exit(&command.output().unwrap(), 0);
    home.gpg(&["--delete-secret-keys", fingerprint], b"");
    let opened = home.try_gpg(&["--passphrase", "riotkit", "--decrypt"], &bench.message());
    assert!(!opened.status.success(), "it was made for the other key");
}

#[test]
fn a_command_may_take_longer_than_the_server() {
    let bench = Bench::new();
    let output = bench.making("echo half; sleep 7; echo all").args(["--timeout", "5"]).output().unwrap();
    assert_exit(&output, 0);
    fs::write(bench.path("data"), noise(16_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    let output = bench.restoring("sleep 7; cat > out").args(["--timeout", "5"]).output().unwrap();
    assert_exit(&output, 0);
    assert!(fs::read(bench.path("out")).unwrap() == fs::read(bench.path("data")).unwrap());
}

#[test]
fn an_empty_version_is_warned_of() {
    let bench = Bench::new();
    let output = bench.make("true");
    assert_exit(&output, 0);
    assert!(said(&output).contains("the command wrote nothing"));
    assert_eq!(bench.gpg().decrypt(&bench.message(), ""), b"");
}

#[test]
fn runs_of_one_collection_do_not_wait_for_each_other() {
    let bench = Bench::new();
    let fifo = bench.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let first = started(bench.making("echo $$ > shell; cat fifo"));
    line_of(&bench.path("shell"));
    assert_exit(&bench.make("echo second"), 0);
    assert_exit(&bench.restore("cat > second"), 0);
    fs::write(fifo, "first").unwrap();
    assert_exit(&first.wait_with_output().unwrap(), 0);
    assert_eq!(bench.count(), 2);
}

#[test]
fn a_standard_error_that_takes_nothing_fails_no_run() {
    let bench = Bench::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(bench.making("echo all; echo said >&2").stderr(full()).status().unwrap().success());
    assert_eq!(bench.count(), 1);
    let help = bench.program().arg("--help").stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(help.code(), Some(16));
}

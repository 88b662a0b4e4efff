//! What reaches a command, and when.

use std::fs;

use bahub_testkit::backup_repository::Fault;
use bahub_testkit::fixtures::{GnupgHome, noise};

use crate::support::{Bench, COLLECTION, assert_exit, said};

#[test]
fn a_command_gets_what_the_other_wrote() {
    let bench = Bench::new();
    let data = noise(5_000_000);
    fs::create_dir(bench.path("in")).unwrap();
    fs::write(bench.path("in/data"), &data).unwrap();
    assert_exit(&bench.make("tar -cz -C in ."), 0);
    assert_exit(&bench.make("echo newer"), 0);
    assert_exit(&bench.restoring("mkdir out; tar -xz -C out").args(["-s", "1"]).output().unwrap(), 0);
    assert!(fs::read(bench.path("out/data")).unwrap() == data);
    let latest = bench.restore("cat");
    assert_exit(&latest, 0);
    assert!(said(&latest).lines().any(|line| line == "newer"), "{}", said(&latest));
}

#[test]
fn a_version_of_the_predecessor_is_restored() {
    let (bench, home) = (Bench::new(), GnupgHome::new());
    let (private, _) = home.generate("shop@example.org", "rsa3072", "riotkit");
    let message = home.gpg(&["--encrypt", "--armor", "--recipient", "shop@example.org"], &b"rows\n".repeat(100_000));
    bench.server.put_version(COLLECTION, &message);
    let restoring = |passphrase: &str| {
        let mut command = bench.with_server("restore");
        command.arg("--private-key").arg(&private).args(["--recipient", "shop@example.org", "-c", "cat > rows"]);
        command.env("BM_PASSPHRASE", passphrase).output().unwrap()
    };
    let locked = restoring("wrong");
    assert_exit(&locked, 6);
    assert!(said(&locked).contains("--passphrase-file") && !bench.path("rows").exists(), "{}", said(&locked));
    assert_exit(&restoring("riotkit"), 0);
    assert!(fs::read(bench.path("rows")).unwrap() == b"rows\n".repeat(100_000));
}

#[test]
fn a_flipped_byte_starts_nothing() {
    let bench = Bench::new();
    fs::write(bench.path("data"), noise(1_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    bench.server.tamper(COLLECTION, 1, |message| {
        let middle = message.len() / 2;
        let at = (middle..).find(|at| message[*at] != b'\n').unwrap();
        message[at] = if message[at] == b'A' { b'B' } else { b'A' };
    });
    let output = bench.restore("touch started; cat");
    assert_exit(&output, 12);
    assert!(!bench.path("started").exists());
}

#[test]
fn a_message_that_is_another_one_the_second_time_never_ends_for_the_command() {
    let bench = Bench::new();
    // More than waits anywhere between the server and the command.
    fs::write(bench.path("data"), noise(16_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    // The head, the first bytes of the content, and the proof.
    bench.server.misbehave(Fault::corrupt_download_at(u64::MAX).times(3));
    bench.server.misbehave(Fault::corrupt_download_at(20_000_000));
    assert_exit(&bench.restore("touch started; cat > out; touch completed"), 12);
    assert!(bench.path("started").exists() && !bench.path("completed").exists());
}

#[test]
fn the_command_judges_and_is_judged() {
    let bench = Bench::new();
    fs::write(bench.path("data"), noise(1_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    assert_exit(&bench.restore("head -c 3 > begin"), 0);
    assert_exit(&bench.restore("cat > all; exit 4"), 9);
    assert_exit(&bench.restore("false | cat > all"), 9);
    assert_exit(&bench.restore("kill -9 $$"), 9);
}

#[test]
fn a_version_that_is_not_there_has_its_own_code() {
    let bench = Bench::new();
    assert_exit(&bench.restore("cat"), 11);
    assert_exit(&bench.make("echo all"), 0);
    assert_exit(&bench.restoring("cat").args(["--version", "v7"]).output().unwrap(), 11);
}

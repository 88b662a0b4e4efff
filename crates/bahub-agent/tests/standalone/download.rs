//! What a download writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use bahub_testkit::backup_repository::Fault;
use bahub_testkit::fixtures::noise;

use crate::support::{Bench, assert_exit, said};

fn download(bench: &Bench, with_key: bool) -> Output {
    let mut command = bench.with_server("download");
    command.args(["--save-path", "saved"]);
    if with_key {
        command.arg("-p").arg(bench.keys.private());
    }
    command.output().unwrap()
}

#[test]
fn a_version_is_written_decrypted_for_its_owner_alone() {
    let bench = Bench::new();
    let data = noise(3_000_000);
    fs::write(bench.path("data"), &data).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    assert_exit(&download(&bench, true), 0);
    assert!(fs::read(bench.path("saved")).unwrap() == data);
    assert_eq!(fs::metadata(bench.path("saved")).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn nothing_is_overwritten_and_no_link_followed() {
    let bench = Bench::new();
    assert_exit(&bench.make("echo all"), 0);
    fs::write(bench.path("other"), "mine").unwrap();
    std::os::unix::fs::symlink("other", bench.path("saved")).unwrap();
    assert_exit(&download(&bench, true), 16);
    assert_eq!(fs::read(bench.path("other")).unwrap(), b"mine");
    assert!(bench.path("saved").is_symlink());
}

#[test]
fn a_failed_download_leaves_no_file() {
    let bench = Bench::new();
    fs::write(bench.path("data"), noise(1_000_000)).unwrap();
    assert_exit(&bench.make("cat data"), 0);
    bench.server.misbehave(Fault::corrupt_download_at(900_000).always());
    assert_exit(&download(&bench, true), 12);
    assert!(!bench.path("saved").exists());
    bench.server.behave();
    bench.server.misbehave(Fault::truncate_download_after(900_000).always());
    for with_key in [true, false] {
        let output = download(&bench, with_key);
        assert!(!output.status.success(), "{}", said(&output));
        assert!(!bench.path("saved").exists());
    }
}

#[test]
fn without_a_key_the_message_is_kept_as_it_is() {
    let bench = Bench::new();
    assert_exit(&bench.make("echo all"), 0);
    let output = download(&bench, false);
    assert_exit(&output, 0);
    assert!(said(&output).contains("not verified"), "{}", said(&output));
    assert_eq!(fs::read(bench.path("saved")).unwrap(), bench.message());
}

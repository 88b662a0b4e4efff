//! What is a failure, and what a warning.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use bahub_core::adapter::{Adapter, Findings, StepEnd, StepFailure};
use bahub_core::replay::{ReplayTarget, Stored};
use bahub_core::step::Exit;
use serde_json::json;

use crate::runner::{Tools, names};
use crate::tree::{Room, adapter, adapter_of};

/// Larger than all pipes involved, so that tar blocks in the middle of it.
const LARGE: usize = 4 << 20;

fn large(room: &Room) -> std::path::PathBuf {
    let path = room.src().join("log");
    fs::write(&path, vec![b'x'; LARGE]).unwrap();
    path
}

#[test]
fn a_file_that_grows_while_it_is_read_is_a_warning_with_gnu_tar() {
    let room = Room::new();
    let log = large(&room);
    let append = || OpenOptions::new().append(true).open(&log).unwrap().write_all(b"more").unwrap();

    let backup = Tools::gnu().capture_and(&adapter_of(&room), &append).unwrap();

    assert!(backup.warned);
    assert!(
        backup.warnings.iter().any(|line| line.ends_with("log: file changed as we read it")),
        "{:?}",
        backup.warnings
    );
    assert_eq!(names(&backup.output).len(), 2);
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_a_warning_with_gnu_tar_and_a_failure_with_busybox() {
    let room = Room::new();
    let log = large(&room);
    let adapter = adapter(json!({ "paths": [&log] }));
    let shrink = || File::options().write(true).open(&log).unwrap().set_len(10).unwrap();

    let backup = Tools::gnu().capture_and(&adapter, &shrink).unwrap();
    assert!(backup.warned);
    assert_eq!(names(&backup.output).len(), 1);

    large(&room);
    let failure = Tools::busybox().capture_and(&adapter, &shrink).expect_err("a file is cut off");
    assert_eq!(failure.end, StepEnd::Ended(Exit::Code(1)));
    assert!(adapter.explain(&failure).unwrap().cause.contains("shorter"), "{failure}");
}

fn with_unreadable() -> Room {
    let room = Room::new();
    room.write("open", "open");
    let secret = room.write("secret", "secret");
    fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
    room.write("closed/inside", "inside");
    fs::set_permissions(room.src().join("closed"), Permissions::from_mode(0o700)).unwrap();
    room
}

#[test]
fn an_unreadable_file_is_a_failure() {
    let room = with_unreadable();
    let adapter = adapter_of(&room);
    for tools in [Tools::gnu(), Tools::busybox()] {
        let failure = tools.unprivileged().capture(&adapter).unwrap_err();
        assert!(adapter.explain(&failure).unwrap().help.contains("on_unreadable"), "{failure}");
    }
}

#[test]
fn an_unreadable_file_is_a_warning_where_asked() {
    let room = with_unreadable();
    let adapter = adapter(json!({ "paths": [room.src()], "on_unreadable": "warn" }));

    let backup = Tools::gnu().unprivileged().capture(&adapter).unwrap();

    let warned_about =
        |name: &str| backup.warnings.iter().any(|line| line.contains(name) && line.contains("Permission denied"));
    assert!(warned_about("src/secret") && warned_about("src/closed"), "{:?}", backup.warnings);
    let names = names(&backup.output);
    assert!(names.iter().any(|name| name.ends_with("/open")));
    assert!(!names.iter().any(|name| name.ends_with("/secret")));
}

#[test]
fn busybox_refuses_to_only_warn_of_unreadable_files() {
    let room = Room::new();
    let adapter = adapter(json!({ "paths": [room.src()], "on_unreadable": "warn" }));
    let failure = Tools::busybox().capture(&adapter).unwrap_err();
    assert!(adapter.explain(&failure).unwrap().cause.contains("needs GNU tar"), "{failure}");
}

#[test]
fn a_path_that_does_not_exist_is_always_a_failure() {
    let room = Room::new();
    let missing = room.folder.path().join("missing");
    for (tools, on_unreadable) in [(Tools::gnu(), "fail"), (Tools::gnu(), "warn"), (Tools::busybox(), "fail")] {
        let adapter = adapter(json!({ "paths": [room.src(), &missing], "on_unreadable": on_unreadable }));
        let failure = tools.capture(&adapter).unwrap_err();
        assert!(adapter.explain(&failure).unwrap().help.contains("`paths`"), "{failure}");
    }
}

#[test]
fn a_path_that_is_a_dangling_link_or_a_file_exists() {
    let room = Room::new();
    let file = room.write("file", "file");
    let link = room.src().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for on_unreadable in ["fail", "warn"] {
        let adapter = adapter(json!({ "paths": [&file, &link], "on_unreadable": on_unreadable }));
        let backup = Tools::gnu().capture(&adapter).unwrap();
        assert_eq!(names(&backup.output).len(), 2);
    }
}

#[test]
fn a_socket_is_left_out_and_the_rest_is_there() {
    let room = Room::new();
    room.write("file", "file");
    let _socket = UnixListener::bind(room.src().join("socket")).unwrap();
    for tools in [Tools::gnu(), Tools::busybox()] {
        let backup = tools.capture(&adapter_of(&room)).unwrap();
        assert!(!backup.warned);
        assert_eq!(names(&backup.output).len(), 2);
    }
}

#[test]
fn a_missing_tar_is_found_by_the_probe_and_explained() {
    let room = Room::new();
    let adapter = adapter_of(&room);
    let failure = Tools::none().probe(&adapter).unwrap_err();
    assert_eq!(failure.end, StepEnd::NotFound);
    assert!(adapter.explain(&failure).unwrap().help.contains("install tar"));
}

#[test]
fn both_tars_identify_themselves() {
    let room = Room::new();
    let adapter = adapter_of(&room);
    assert!(Tools::gnu().probe(&adapter).unwrap().get("tar").unwrap().contains("GNU tar"));
    let busybox = Tools::busybox().probe(&adapter).unwrap();
    let line = busybox.get("tar").unwrap();
    assert!(line.contains("busybox") || line.is_empty(), "{line}");
}

#[test]
fn a_tar_that_does_not_say_who_it_is_is_taken_for_busybox() {
    let adapter = adapter_of(&Room::new());
    let found = |line: &str| Findings([("tar".to_owned(), line.to_owned())].into());
    let replay = |found: &Findings| adapter.replay(&ReplayTarget::default(), found, &Stored::default()).unwrap();
    let busybox = replay(&found("tar (busybox) 1.35.0"));
    assert_eq!(busybox.main.len(), 2, "what it lists is watched");
    assert_eq!(replay(&found("")), busybox);
    assert_eq!(replay(&Findings::default()), busybox);
    assert_eq!(replay(&found("bsdtar 3.6.2 - libarchive 3.6.2")).main.len(), 1);
}

#[test]
fn a_failure_with_unknown_words_is_not_explained() {
    let failure = StepFailure::new("tar", StepEnd::Ended(Exit::Signal(9))).with_stderr("tar: something new");
    assert_eq!(adapter_of(&Room::new()).explain(&failure), None);
}

//! Backups made by another program.

use std::process::Command;

use bahub_core::replay::{ReplayTarget, RestoreTarget};

use crate::runner::Tools;
use crate::tree::{Like, Room, adapter_of, differences, fill};

/// What the original product ran, without the gzip: the agent decompresses.
fn by_the_original(room: &Room) -> Vec<u8> {
    let output = Command::new("tar").args(["-c", "-f", "-"]).arg(room.src()).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_backup_of_the_original_product_restores() {
    for (tools, like) in [(Tools::gnu(), Like::Plain), (Tools::busybox(), Like::Busybox)] {
        let room = Room::new();
        fill(&room.src());
        let target = ReplayTarget::at(RestoreTarget::Directory(room.to()));
        tools.replay(&adapter_of(&room), &target, &by_the_original(&room)).unwrap();
        assert_eq!(differences(&room.src(), &room.restored(&room.src()), like), "");
    }
}

#[test]
fn a_member_of_a_backup_of_the_original_product_restores() {
    let room = Room::new();
    let file = room.write("folder/file", "file");
    room.write("other", "other");
    let target = ReplayTarget {
        location: RestoreTarget::Directory(room.to()),
        members: vec![file.to_str().unwrap().into()],
        ..ReplayTarget::default()
    };
    Tools::gnu().replay(&adapter_of(&room), &target, &by_the_original(&room)).unwrap();
    assert_eq!(std::fs::read_to_string(room.restored(&file)).unwrap(), "file");
    assert!(!room.restored(&room.src().join("other")).exists());
}

#[test]
fn what_is_no_archive_is_a_failure() {
    for tools in [Tools::gnu(), Tools::busybox()] {
        let room = Room::new();
        let target = ReplayTarget::at(RestoreTarget::Directory(room.to()));
        assert!(tools.replay(&adapter_of(&room), &target, &[b'x'; 10240]).is_err());
    }
}

#[test]
fn a_member_never_leaves_the_directory() {
    let room = Room::new();
    room.write("x", "evil");
    let output = Command::new("tar")
        .args(["-c", "-P", "-f", "-", "--transform=s,^,../../,", "-C"])
        .arg(room.src())
        .arg("x")
        .output()
        .unwrap();
    for tools in [Tools::gnu(), Tools::busybox()] {
        let target = ReplayTarget::at(RestoreTarget::Directory(room.to().join("deep/down")));
        let _ = tools.replay(&adapter_of(&room), &target, &output.stdout);
        assert!(!room.to().join("x").exists());
    }
}

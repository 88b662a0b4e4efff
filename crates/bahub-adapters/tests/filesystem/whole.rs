//! Everything comes back.

use std::fs;

use bahub_core::replay::{ReplayTarget, RestoreTarget};

use crate::runner::Tools;
use crate::tree::{Like, Room, adapter_of, add_attributes, differences, fill, on_disk};

fn to(room: &Room) -> ReplayTarget {
    ReplayTarget::at(RestoreTarget::Directory(room.to()))
}

#[test]
fn gnu_tar_brings_everything_back_into_a_directory() {
    let room = Room::new();
    fill(&room.src());
    add_attributes(&room.src());
    let adapter = adapter_of(&room);

    let backup = Tools::gnu().capture(&adapter).unwrap();
    assert_eq!(backup.warnings, Vec::<String>::new());
    let restore = Tools::gnu().replay(&adapter, &to(&room), &backup.output).unwrap();

    assert_eq!(restore.warnings, Vec::<String>::new());
    let restored = room.restored(&room.src());
    assert_eq!(differences(&room.src(), &restored, Like::Gnu), "");
    assert!(on_disk(&restored.join("sparse")) < 4 << 20, "the hole came back as zeros");
    assert!(backup.output.len() < 8 << 20, "the hole is in the backup");
}

#[test]
fn gnu_tar_brings_everything_back_to_the_original_paths() {
    let room = Room::new();
    fill(&room.src());
    add_attributes(&room.src());
    let adapter = adapter_of(&room);
    let backup = Tools::gnu().capture(&adapter).unwrap();
    let away = room.folder.path().join("away");
    fs::rename(room.src(), &away).unwrap();

    Tools::gnu().replay(&adapter, &ReplayTarget::default(), &backup.output).unwrap();

    assert_eq!(differences(&away, &room.src(), Like::Gnu), "");
}

#[test]
fn busybox_brings_everything_back_but_attributes_and_holes() {
    let room = Room::new();
    fill(&room.src());
    let adapter = adapter_of(&room);

    let backup = Tools::busybox().capture(&adapter).unwrap();
    assert_eq!(backup.warnings, Vec::<String>::new());
    Tools::busybox().replay(&adapter, &to(&room), &backup.output).unwrap();

    assert_eq!(differences(&room.src(), &room.restored(&room.src()), Like::Busybox), "");
}

#[test]
fn gnu_tar_restores_what_busybox_made() {
    let room = Room::new();
    fill(&room.src());
    let adapter = adapter_of(&room);
    let backup = Tools::busybox().capture(&adapter).unwrap();

    Tools::gnu().replay(&adapter, &to(&room), &backup.output).unwrap();

    assert_eq!(differences(&room.src(), &room.restored(&room.src()), Like::Plain), "");
}

#[test]
fn busybox_restores_what_gnu_tar_made_but_attributes() {
    let room = Room::new();
    fill(&room.src());
    fs::remove_file(room.src().join("sparse")).unwrap();
    add_attributes(&room.src());
    let adapter = adapter_of(&room);
    let backup = Tools::gnu().capture(&adapter).unwrap();

    Tools::busybox().replay(&adapter, &to(&room), &backup.output).unwrap();

    assert_eq!(differences(&room.src(), &room.restored(&room.src()), Like::Busybox), "");
}

#[test]
fn busybox_refuses_sparse_files_of_gnu_tar_instead_of_misplacing_them() {
    use bahub_core::adapter::Adapter;
    let room = Room::new();
    fill(&room.src());
    fs::remove_file(room.src().join("plain")).unwrap();
    let adapter = adapter_of(&room);
    let backup = Tools::gnu().capture(&adapter).unwrap();

    let failure = Tools::busybox().replay(&adapter, &to(&room), &backup.output).unwrap_err();

    assert_eq!(failure.program, "awk");
    assert!(adapter.explain(&failure).unwrap().cause.contains("sparse"));
}

//! Where a restore goes, and how much of it.

use std::fs;
use std::os::unix::fs::symlink;

use bahub_core::adapter::{Adapter, Findings};
use bahub_core::replay::{ReplayTarget, RestoreTarget, Stored};
use serde_json::json;

use crate::runner::{Outcome, Tools, names};
use crate::tree::{Like, Room, adapter, adapter_of, differences};

fn members(room: &Room, members: &[&str]) -> ReplayTarget {
    let members = members.iter().map(|name| room.src().join(name).into()).collect();
    ReplayTarget { location: RestoreTarget::Directory(room.to()), members, ..ReplayTarget::default() }
}

fn room() -> Room {
    let room = Room::new();
    for file in ["folder/1", "folder/deep/2", "folders/3", "st*r", "star", "-dash", "a\\nb", "[x]/4", "x/5"] {
        room.write(file, file);
    }
    room
}

fn restored(room: &Room) -> Vec<String> {
    let top = room.restored(&room.src());
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn only_the_named_members_come_back_and_a_folder_brings_its_content() {
    for tools in [Tools::gnu(), Tools::busybox()] {
        let room = room();
        let adapter = adapter_of(&room);
        let Outcome { output, .. } = tools.capture(&adapter).unwrap();
        tools.replay(&adapter, &members(&room, &["folder/", "-dash"]), &output).unwrap();
        assert_eq!(restored(&room), ["-dash", "folder/1", "folder/deep/2"]);
    }
}

#[test]
fn members_are_taken_literally() {
    let room = room();
    let adapter = adapter_of(&room);
    let Outcome { output, .. } = Tools::gnu().capture(&adapter).unwrap();
    Tools::gnu().replay(&adapter, &members(&room, &["st*r", "a\\nb", "[x]"]), &output).unwrap();
    assert_eq!(restored(&room), ["[x]/4", "a\\nb", "st*r"]);
}

#[test]
fn busybox_refuses_members_that_it_would_take_for_patterns() {
    let room = room();
    let adapter = adapter_of(&room);
    let found = Tools::busybox().probe(&adapter).unwrap();
    for name in ["st*r", "a\\nb", "[x]", "wh?t"] {
        assert!(
            adapter.replay(&members(&room, &[name]), &found, &Stored::default()).unwrap_err().help.contains("GNU tar")
        );
    }
}

#[test]
fn a_member_that_is_not_there_is_a_failure() {
    for tools in [Tools::gnu(), Tools::busybox()] {
        let room = room();
        let adapter = adapter_of(&room);
        let Outcome { output, .. } = tools.capture(&adapter).unwrap();
        let failure = tools.replay(&adapter, &members(&room, &["folder", "nope"]), &output).unwrap_err();
        assert!(adapter.explain(&failure).unwrap().cause.contains("no file or folder of that name"), "{failure}");
    }
}

#[test]
fn a_hard_link_without_its_first_name_is_a_failure_that_is_explained() {
    for tools in [Tools::gnu(), Tools::busybox()] {
        let room = room();
        fs::hard_link(room.src().join("star"), room.src().join("twin")).unwrap();
        let adapter = adapter_of(&room);
        let Outcome { output, .. } = tools.capture(&adapter).unwrap();
        let stored = names(&output);
        let second = stored.iter().rfind(|name| name.ends_with("/star") || name.ends_with("/twin")).unwrap();
        let second = second.rsplit('/').next().unwrap();
        let failure = tools.replay(&adapter, &members(&room, &[second]), &output).unwrap_err();
        assert!(adapter.explain(&failure).unwrap().help.contains("restore that file as well"), "{failure}");
    }
}

#[test]
fn a_folder_and_one_below_it_restore_with_hard_links_in_them() {
    let room = room();
    fs::hard_link(room.src().join("folder/1"), room.src().join("folder/twin")).unwrap();
    let adapter = adapter(json!({ "paths": [room.src(), room.src().join("folder")] }));
    let Outcome { output, .. } = Tools::gnu().capture(&adapter).unwrap();
    let target = ReplayTarget::at(RestoreTarget::Directory(room.to()));
    Tools::gnu().replay(&adapter, &target, &output).unwrap();
    assert_eq!(differences(&room.src(), &room.restored(&room.src()), Like::Gnu), "");
}

#[test]
fn the_root_as_member_means_everything_and_dots_are_refused() {
    let adapter = adapter(json!({ "paths": ["/etc"] }));
    let target = |member: &str| ReplayTarget { members: vec![member.into()], ..ReplayTarget::default() };
    let whole = adapter.replay(&ReplayTarget::default(), &Findings::default(), &Stored::default()).unwrap();
    assert_eq!(adapter.replay(&target("/"), &Findings::default(), &Stored::default()).unwrap(), whole);
    for member in ["", "..", "etc/../../root", "a\0"] {
        assert!(adapter.replay(&target(member), &Findings::default(), &Stored::default()).is_err(), "{member:?}");
    }
}

#[test]
fn a_database_is_no_place_for_files() {
    let target = ReplayTarget::at(RestoreTarget::Database("shop".into()));
    let refused =
        adapter(json!({ "paths": ["/etc"] })).replay(&target, &Findings::default(), &Stored::default()).unwrap_err();
    assert!(refused.what.contains("shop") && refused.help.contains("restore elsewhere"));
}

#[test]
fn files_that_are_there_are_replaced_and_others_stay() {
    for tools in [Tools::gnu(), Tools::busybox()] {
        let room = room();
        let adapter = adapter_of(&room);
        let Outcome { output, .. } = tools.capture(&adapter).unwrap();
        room.write("folder/1", "changed");
        room.write("folder/new", "new");
        let outside = room.folder.path().join("outside");
        fs::write(&outside, "outside").unwrap();
        fs::remove_file(room.src().join("star")).unwrap();
        symlink(&outside, room.src().join("star")).unwrap();

        tools.replay(&adapter, &ReplayTarget::default(), &output).unwrap();

        assert_eq!(fs::read_to_string(room.src().join("folder/1")).unwrap(), "folder/1");
        assert_eq!(fs::read_to_string(room.src().join("folder/new")).unwrap(), "new");
        assert_eq!(fs::read_to_string(room.src().join("star")).unwrap(), "star");
        assert_eq!(fs::read_to_string(outside).unwrap(), "outside", "the link was followed");
    }
}

#[test]
fn gnu_tar_replaces_a_link_that_stands_where_a_folder_was() {
    let room = room();
    let adapter = adapter_of(&room);
    let Outcome { output, .. } = Tools::gnu().capture(&adapter).unwrap();
    let outside = room.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(room.src().join("folder")).unwrap();
    symlink(&outside, room.src().join("folder")).unwrap();

    Tools::gnu().replay(&adapter, &ReplayTarget::default(), &output).unwrap();

    assert_eq!(fs::read_dir(outside).unwrap().count(), 0, "the link was followed");
    assert!(room.src().join("folder").symlink_metadata().unwrap().is_dir());
}

/// A separate root, because the real one is too large for a test: `/` there is the room's `src`.
#[test]
fn an_archive_of_the_root_has_bare_names_and_restores() {
    let room = room();
    fs::hard_link(room.src().join("star"), room.src().join("hard")).unwrap();
    symlink("./star", room.src().join("link")).unwrap();
    let adapter = adapter(json!({ "paths": ["/"], "exclude": ["/x"] }));
    let mut step = adapter.capture(&Tools::gnu().probe(&adapter).unwrap()).unwrap().steps().next().unwrap().clone();
    let root = step.args.iter().position(|arg| *arg == bahub_core::step::Arg::Plain("/".into())).unwrap();
    step.args[root] = bahub_core::step::Arg::Plain(room.src().as_os_str().as_encoded_bytes().into());

    let backup = Tools::gnu().run(&[step], b"", &|| ()).unwrap();
    let names = names(&backup.output);
    assert_eq!(backup.warnings, Vec::<String>::new());
    assert!(names.contains(&"folder/deep/2".to_owned()) && !names.contains(&"x/5".to_owned()), "{names:?}");

    let target = ReplayTarget::at(RestoreTarget::Directory(room.to()));
    Tools::gnu().replay(&adapter, &target, &backup.output).unwrap();
    fs::remove_dir_all(room.src().join("x")).unwrap();
    fs::create_dir_all(room.to()).unwrap();
    let different = differences(&room.src(), &room.to(), Like::Gnu);
    assert_eq!(different, ".d..t...... ./\n", "but for the time of the folder that `x` was just removed from");
}

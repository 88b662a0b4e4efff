//! What is left out, and nothing else.

use bahub_adapters::filesystem::Filesystem;
use bahub_core::adapter::Adapter;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget, Stored};
use bahub_core::step::Arg;
use serde_json::json;

use crate::runner::{Tools, names};
use crate::tree::{Room, adapter};

const FILES: &[&str] = &[
    "a/cache/1",
    "a/keep",
    "a/x.tmp",
    "b/a/cache/2",
    "cache/3",
    "cachet",
    ".hidden",
    "a/.hidden",
    "st*r/4",
    "sttr/5",
    "b/c/d/6",
    "b/d/7",
];

fn room() -> Room {
    let room = Room::new();
    for file in FILES {
        room.write(file, file);
    }
    room
}

/// The files that are in the backup with these patterns; `SRC` in a pattern is the path.
fn kept(tools: &Tools, room: &Room, patterns: &[&str]) -> Vec<String> {
    let src = room.src().into_os_string().into_string().unwrap();
    let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.replace("SRC", &src)).collect();
    let adapter = adapter(json!({ "paths": [src], "exclude": patterns }));
    let backup = tools.capture(&adapter).unwrap();
    let prefix = format!("{}/", src.trim_start_matches('/'));
    let mut kept: Vec<String> = names(&backup.output)
        .iter()
        .filter(|name| !name.ends_with('/'))
        .map(|name| name.trim_start_matches("./").strip_prefix(&prefix).unwrap().to_owned())
        .collect();
    kept.sort();
    kept
}

fn but(left_out: &[&str]) -> Vec<String> {
    let mut files: Vec<String> =
        FILES.iter().filter(|file| !left_out.contains(file)).map(|file| (*file).to_owned()).collect();
    files.sort();
    files
}

const CLAIMS: &[(&[&str], &[&str])] = &[
    (&["cache"], &["a/cache/1", "b/a/cache/2", "cache/3"]),
    (&["SRC/cache"], &["cache/3"]),
    (&["a/cache"], &["a/cache/1", "b/a/cache/2"]),
    (&["SRC/a/cache"], &["a/cache/1"]),
    (&["/cache"], &[]),
    (&["*.tmp"], &["a/x.tmp"]),
    (&["SRC/*.tmp"], &[]),
    (&["cache?"], &["cachet"]),
    (&[".?*"], &[".hidden", "a/.hidden"]),
    (&["SRC/.*"], &[".hidden"]),
    (&["st*r"], &["st*r/4", "sttr/5"]),
    (&["st\\*r"], &["st*r/4"]),
    (&["SRC/st\\*r"], &["st*r/4"]),
    (&["[ab]/d"], &["b/d/7"]),
    (&["b/*/6"], &[]),
    (&["b/*/d"], &["b/c/d/6"]),
    (&["SRC/b", "cache", "SRC/sttr"], &["a/cache/1", "b/a/cache/2", "cache/3", "b/c/d/6", "b/d/7", "sttr/5"]),
    (&["-x", "--version", "a b"], &[]),
];

#[test]
fn gnu_tar_leaves_out_what_the_patterns_say() {
    let room = room();
    for (patterns, left_out) in CLAIMS {
        assert_eq!(kept(&Tools::gnu(), &room, patterns), but(left_out), "{patterns:?}");
    }
}

#[test]
fn busybox_leaves_out_the_same_or_refuses() {
    let room = room();
    let tools = Tools::busybox();
    if tools.tar_knows("--exclude") {
        for (patterns, left_out) in CLAIMS {
            assert_eq!(kept(&tools, &room, patterns), but(left_out), "{patterns:?}");
        }
    } else {
        let adapter = adapter(json!({ "paths": [room.src()], "exclude": ["cache"] }));
        let failure = tools.capture(&adapter).unwrap_err();
        assert!(adapter.explain(&failure).unwrap().cause.contains("--exclude"), "{failure}");
    }
}

#[test]
fn a_member_restores_where_busybox_had_to_name_it_with_a_dot() {
    let room = room();
    let tools = Tools::busybox();
    let adapter = adapter(json!({ "paths": [room.src()], "exclude": [room.src().join("cache")] }));
    let member = room.src().join("a/keep");
    let target = ReplayTarget {
        location: RestoreTarget::Directory(room.to()),
        members: vec![member.clone().into()],
        ..ReplayTarget::default()
    };
    if tools.tar_knows("--exclude") {
        let backup = tools.capture(&adapter).unwrap();
        tools.replay(&adapter, &target, &backup.output).unwrap();
        assert_eq!(std::fs::read_to_string(room.restored(&member)).unwrap(), "a/keep");
    }
    let replay = adapter.replay(&target, &tools.probe(&adapter).unwrap(), &Stored::default()).unwrap();
    let operand = Arg::Plain(format!(".{}", member.display()).as_str().into());
    assert_eq!(replay.main[0].args.last(), Some(&operand));
}

#[test]
fn a_pattern_that_hides_a_path_is_refused() {
    for pattern in ["www", "var", "/var", "/var/www", "w*", "/*/w??", "[!a]ww"] {
        let config =
            serde_json::from_value(json!({ "paths": ["/etc", "/var/www"], "exclude": ["ok", pattern] })).unwrap();
        let wrong = Filesystem::from_config(config, &()).unwrap_err();
        assert_eq!(wrong[0].pointer, "/exclude/1", "{pattern}");
        assert!(wrong[0].message.contains("/var/www"), "{}", wrong[0].message);
    }
}

#[test]
fn other_file_systems_are_left_out_where_asked() {
    // /dev/shm and /dev/pts are file systems of their own wherever Linux runs programs.
    let adapter = adapter(json!({ "paths": ["/dev"], "one_file_system": true }));
    let backup = Tools::gnu().capture(&adapter).unwrap();
    let names = names(&backup.output);
    assert!(names.iter().any(|name| name == "dev/null"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("dev/pts/") && name.len() > "dev/pts/".len()), "{names:?}");
}

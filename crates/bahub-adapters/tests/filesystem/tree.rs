//! A tree with everything that a file system can hold.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use bahub_adapters::filesystem::Filesystem;
use bahub_core::registry::Component;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps};
use serde_json::json;

/// A folder of a test; `src` in it is what is backed up, `to` where it is restored.
pub(crate) struct Room {
    pub(crate) folder: tempfile::TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("room-").tempdir().expect("a folder");
        crate::runner::open_to_all(folder.path());
        let room = Self { folder };
        fs::create_dir(room.src()).expect("a folder");
        room
    }

    pub(crate) fn src(&self) -> PathBuf {
        self.folder.path().join("src")
    }

    pub(crate) fn to(&self) -> PathBuf {
        self.folder.path().join("to")
    }

    /// Where a path of this room is after a restore with `--to`.
    pub(crate) fn restored(&self, path: &Path) -> PathBuf {
        self.to().join(path.strip_prefix("/").expect("an absolute path"))
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.src().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }
}

/// The adapter with this `spec`.
pub(crate) fn adapter(spec: serde_json::Value) -> Filesystem {
    let config = serde_json::from_value(spec).expect("a spec");
    Filesystem::from_config(config, &()).expect("a good spec")
}

/// The adapter for the room's tree.
pub(crate) fn adapter_of(room: &Room) -> Filesystem {
    adapter(json!({ "paths": [room.src()] }))
}

/// What only GNU tar keeps.
pub(crate) fn add_attributes(src: &Path) {
    run("setfattr", &["-n", "user.note", "-v", "kept \u{e4}"], &src.join("plain"));
    run("setfattr", &["-n", "user.folder", "-v", "1"], &src.join("empty"));
    run("setfacl", &["-m", "u:1234:rw,g:4321:r"], &src.join("plain"));
    run("setfacl", &["-d", "-m", "u:1234:rwx"], &src.join("empty"));
    age(src);
}

fn run(program: &str, args: &[&str], path: &Path) {
    assert!(Command::new(program).args(args).arg(path).status().expect(program).success(), "{program} {args:?}");
}

/// Fills a folder with everything that both tars keep.
pub(crate) fn fill(src: &Path) {
    let plain = src.join("plain");
    fs::write(&plain, "plain").expect("a file");
    chown(&plain, Some(1234), Some(4321)).expect("an owner");
    for (name, mode) in [("setuid", 0o4755), ("setgid", 0o2755), ("none", 0o000), ("read-only", 0o444)] {
        fs::write(src.join(name), name).expect("a file");
        chown(src.join(name), Some(1), Some(2)).expect("an owner");
        fs::set_permissions(src.join(name), Permissions::from_mode(mode)).expect("a mode");
    }
    fs::create_dir(src.join("empty")).expect("a folder");
    fs::create_dir(src.join("sticky")).expect("a folder");
    fs::set_permissions(src.join("sticky"), Permissions::from_mode(0o1777)).expect("a mode");
    fs::create_dir(src.join("closed")).expect("a folder");
    fs::write(src.join("closed/inside"), "inside").expect("a file");
    fs::set_permissions(src.join("closed"), Permissions::from_mode(0o500)).expect("a mode");
    fs::hard_link(&plain, src.join("zz-hard-link")).expect("a link");
    symlink("plain", src.join("link")).expect("a link");
    symlink("nowhere/at all", src.join("dangling")).expect("a link");
    symlink("empty", src.join("link-to-folder")).expect("a link");
    rustix::fs::mknodat(CWD, src.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).expect("a fifo");
    sparse(&src.join("sparse"));
    for name in odd_names() {
        fs::write(src.join(OsStr::from_bytes(&name)), &name).expect("a file");
    }
    let deep = src.join("d".repeat(120)).join("e".repeat(120)).join("f".repeat(120));
    fs::create_dir_all(&deep).expect("folders");
    fs::write(deep.join("g".repeat(200)), "deep").expect("a file");
    symlink("t".repeat(180), deep.join("long-target")).expect("a link");
    fs::hard_link(deep.join("g".repeat(200)), deep.join("h".repeat(200))).expect("a link");
    age(src);
}

/// Gives everything an old time, with a sub-second part, so that no time is right by accident.
pub(crate) fn age(path: &Path) {
    let metadata = path.symlink_metadata().expect("an entry");
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            age(&entry.expect("an entry").path());
        }
    }
    let time = Timespec { tv_sec: 1_234_567_890, tv_nsec: 987_654_321 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("a time");
}

/// One megabyte at the end of 32.
fn sparse(path: &Path) {
    let mut file = File::create(path).expect("a file");
    file.seek(SeekFrom::Start(31 << 20)).expect("a place");
    file.write_all(&[b'x'; 1 << 20]).expect("bytes");
}

pub(crate) fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "a space",
        " lead",
        "trail ",
        "quote's",
        "double\"quote",
        "new\nline",
        "-dash",
        "--checkpoint-action=exec=false",
        "-C",
        "back\\slash",
        "back\\nslash",
        "st*r",
        "qu?stion",
        "[bracket]",
        "{brace,brace}",
        "~",
        "#hash",
        "tab\t",
        "\r",
        "$HOME",
        "`id`",
        "\u{e4}\u{1f980}",
        "@file",
        "a:b",
        "...",
        "\\",
    ]
    .map(|name| name.as_bytes().to_vec())
    .into();
    names.push(b"latin1-\xe4\xff".to_vec());
    names.push((1..=31).chain(127..=255).collect());
    names
}

/// What must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Like {
    /// Everything: what GNU tar restores from its own archives.
    Gnu,
    /// All but attributes, and times to the second: what GNU tar restores from busybox's.
    Plain,
    /// The same, except the times of folders and symbolic links: what busybox restores.
    Busybox,
}

/// The differences between two trees according to rsync, one per line; empty for equal ones.
pub(crate) fn differences(one: &Path, other: &Path, like: Like) -> String {
    let mut command = Command::new("rsync");
    match like {
        Like::Gnu => command.args(["-aHAXn", "--modify-window=-1"]),
        Like::Plain => command.arg("-aHn"),
        Like::Busybox => command.args(["-aHn", "--omit-dir-times", "--omit-link-times"]),
    };
    command.args(["--checksum", "--delete", "-i"]);
    let output = command.arg(slashed(one)).arg(slashed(other)).output().expect("rsync");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn slashed(path: &Path) -> PathBuf {
    path.join("")
}

/// How many bytes a file occupies on the disk.
pub(crate) fn on_disk(path: &Path) -> u64 {
    path.metadata().expect("a file").blocks() * 512
}

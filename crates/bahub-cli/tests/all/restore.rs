//! Where a restore goes, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bahub_testkit::fixtures::GnupgHome;

use super::support::{Scene, compare};

#[test]
fn a_restore_over_live_data_needs_a_word_and_then_brings_everything_back() {
    let scene = Scene::new();
    scene.make();
    fs::write(scene.data().join("a file"), "changed since").unwrap();
    fs::remove_file(scene.data().join("noise")).unwrap();
    fs::write(scene.data().join("newer"), "newer than the backup").unwrap();
    let run = scene.json(&[":backup:restore", "tree"]);
    run.assert_code(17).assert_error(&["--yes", "tree", "--to DIR"]);
    assert!(!run.error().contains("--into") && !run.error().contains("--scratch"), "{}", run.error());
    assert_eq!(fs::read_to_string(scene.data().join("a file")).unwrap(), "changed since");
    assert!(!scene.data().join("noise").exists());
    scene.json(&[":backup:restore", "tree", "--to", &scene.data().display().to_string()]).assert_code(17);
    scene.json(&[":backup:restore", "tree", "--yes"]).assert_code(0);
    assert_eq!(fs::read_to_string(scene.data().join("a file")).unwrap(), "its content\n");
    assert_eq!(fs::metadata(scene.data().join("noise")).unwrap().len(), 300_000);
    assert_eq!(fs::read_to_string(scene.data().join("newer")).unwrap(), "newer than the backup");
}

#[test]
fn a_version_is_named_in_three_ways() {
    let scene = Scene::new();
    scene.make();
    fs::write(scene.data().join("a file"), "of the second version").unwrap();
    scene.make();
    assert_eq!(scene.list(), ["1", "2"]);
    for (version, content) in [
        ("v1", "its content\n"),
        ("1", "its content\n"),
        ("v2", "of the second version"),
        ("2", "of the second version"),
        ("latest", "of the second version"),
    ] {
        let out = format!("out-{version}");
        scene.json(&[":backup:restore", "tree", "--version", version, "--to", &out]).assert_code(0);
        let file = scene.at(&out).join(scene.data().strip_prefix("/").unwrap()).join("a file");
        assert_eq!(fs::read_to_string(file).unwrap(), content, "{version}");
    }
    scene.json(&[":backup:restore", "tree", "--version", "v3", "--to", "out"]).assert_code(11).assert_error(&["v3"]);
    scene.run(&[":backup:restore", "tree", "--version", "newest", "--to", "out"]).assert_code(2);
    assert!(!scene.at("out").exists());
}

#[test]
fn without_a_version_there_is_nothing_to_restore() {
    let scene = Scene::new();
    let run = scene.json(&[":backup:restore", "tree", "--to", "out"]);
    run.assert_code(11).assert_error(&["there is no version of tree", ":backup:make tree"]);
}

#[test]
fn one_member_comes_back_alone() {
    let scene = Scene::new();
    scene.make();
    let member = scene.data().join("a file");
    scene.json(&[":backup:restore", "tree", "--to", "out", "--path", &member.display().to_string()]).assert_code(0);
    let restored = scene.at("out").join(scene.data().strip_prefix("/").unwrap());
    let names: Vec<_> = fs::read_dir(&restored).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a file"]);
    let run = scene.json(&[":backup:restore", "tree", "--to", "none", "--path", "/not/in/it"]);
    run.assert_code(9).assert_error(&["no file or folder of that name"]);
}

#[test]
fn a_download_is_the_archive_itself_and_private() {
    let scene = Scene::with_odd_tree();
    scene.make();
    let run = scene.json(&[":backup:restore", "tree", "--download", "content.tar"]);
    run.assert_code(0);
    let file = scene.at("content.tar");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let gpg = GnupgHome::new();
    gpg.import(&scene.keys().private());
    fs::write(scene.at("stream"), gpg.decrypt(&fs::read(scene.message(1)).unwrap(), "")).unwrap();
    let plain = std::process::Command::new("zstd").args(["-dcq"]).arg(scene.at("stream")).output().unwrap();
    assert!(plain.status.success() && plain.stdout == fs::read(&file).unwrap());
    fs::create_dir(scene.at("out")).unwrap();
    let tar = ["-xp", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*", "-f"];
    let extracted = std::process::Command::new("tar").args(tar).arg(&file).arg("-C").arg(scene.at("out")).status();
    assert!(extracted.unwrap().success());
    compare(&scene.data(), &scene.at("out"));
}

#[test]
fn a_download_overwrites_nothing() {
    let scene = Scene::new();
    scene.make();
    fs::write(scene.at("mine"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", scene.at("dangling")).unwrap();
    for name in ["mine", "dangling"] {
        let run = scene.json(&[":backup:restore", "tree", "--download", name]);
        run.assert_code(16).assert_error(&[name, "already exists"]);
    }
    assert_eq!(fs::read_to_string(scene.at("mine")).unwrap(), "mine");
    assert!(!scene.at("nowhere").exists());
    scene.json(&[":backup:restore", "tree", "--download", "no/such/folder"]).assert_code(16);
}

#[test]
fn an_encrypted_download_is_the_message_itself_and_needs_no_key() {
    let scene = Scene::new();
    scene.make();
    let message = fs::read(scene.message(1)).unwrap();
    fs::remove_file(scene.keys().private()).unwrap();
    scene.json(&[":backup:restore", "tree", "--download", "message", "--encrypted"]).assert_code(0);
    assert!(fs::read(scene.at("message")).unwrap() == message);
    assert_eq!(fs::metadata(scene.at("message")).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_streamed_restore_does_without_the_proof() {
    let scene = Scene::with_odd_tree();
    scene.make();
    let phases = |run: &super::support::Run| -> Vec<String> {
        run.lines().iter().filter_map(|line| line["phase"].as_str().map(str::to_owned)).collect()
    };
    let run = scene.json(&[":backup:restore", "tree", "--to", "out", "--stream"]);
    run.assert_code(0);
    assert!(!phases(&run).contains(&"proving".to_owned()));
    compare(&scene.data(), &scene.at("out"));
    let proven = scene.assert_restores("proven");
    let places = phases(&proven);
    assert!(places.iter().position(|phase| phase == "proving") < places.iter().position(|phase| phase == "replaying"));
}

#[test]
fn a_streamed_restore_of_a_damaged_message_fails() {
    let scene = Scene::with_noise(3_000_000);
    scene.make();
    let path = scene.message(1);
    let mut data = fs::read(&path).unwrap();
    let last = data.len() - 1000;
    data[last] ^= 1;
    fs::write(&path, data).unwrap();
    let run = scene.json(&[":backup:restore", "tree", "--to", "out", "--stream"]);
    run.assert_code(12).assert_error(&["another version"]);
    assert!(!run.error().contains("--stream") && !run.error().contains("nothing was restored"), "{}", run.error());
    assert_eq!(run.report()["outcome"], "failed");
    scene.json(&[":backup:restore", "tree", "--to", "other"]).assert_code(12).assert_error(&["nothing was restored"]);
}

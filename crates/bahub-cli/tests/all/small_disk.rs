//! A store whose disk fills up.

use bahub_testkit::fixtures::SmallDisk;

use super::support::Scene;

#[test]
fn a_full_disk_leaves_nothing_and_is_named() {
    let disk = SmallDisk::of(2 << 20);
    let mut scene = Scene::with_noise(8 << 20);
    scene.set_access(&format!("url: \"file://{}\"", disk.path().join("store").display()));
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(10).assert_error(&[&disk.path().display().to_string(), "space"]);
    assert_eq!(scene.list(), [""; 0]);
    let left: Vec<_> = std::fs::read_dir(disk.path().join("store/tree")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    scene.set_access(&format!("url: \"file://{}\"", scene.at("store").display()));
    scene.make();
    scene.assert_restores("out");
}

#[test]
fn a_disk_that_is_full_keeps_its_versions_and_takes_smaller_ones() {
    let disk = SmallDisk::of(2 << 20);
    let mut scene = Scene::new();
    scene.set_access(&format!("url: \"file://{}\"", disk.path().join("store").display()));
    scene.make();
    std::fs::write(scene.data().join("more"), bahub_testkit::fixtures::noise(8 << 20)).unwrap();
    scene.json(&[":backup:make", "tree"]).assert_code(10);
    assert_eq!(scene.list(), ["1"]);
    std::fs::remove_file(scene.data().join("more")).unwrap();
    scene.make();
    assert_eq!(scene.list(), ["1", "2"]);
    scene.assert_restores("out");
}

//! A tar that does not end well leaves no version, is reported, and the next run is as if nothing had been.

use super::support::{REAL_TAR, Scene, Server, is_create, shim};

/// A tar that fails, the exit code, and words of the message.
struct Failing {
    name: &'static str,
    break_tar: fn(&mut Scene),
    code: i32,
    words: &'static [&'static str],
}

const FAILING: [Failing; 4] = [
    Failing { name: "killed in mid-stream", break_tar: killed, code: 9, words: &["tar", "signal 9"] },
    Failing {
        name: "exits 2 in mid-stream",
        break_tar: exits_2,
        code: 9,
        words: &["tar", "exit status 2", "disk on fire"],
    },
    Failing {
        name: "exits 2 after its whole output",
        break_tar: exits_2_late,
        code: 9,
        words: &["tar", "exit status 2"],
    },
    Failing { name: "missing", break_tar: missing, code: 8, words: &["tar was not found", "install tar"] },
];

fn killed(scene: &mut Scene) {
    shim(scene, &is_create(&format!("{REAL_TAR} \"$@\" | head -c 200000\nkill -KILL $$")));
}

fn exits_2(scene: &mut Scene) {
    shim(scene, &is_create(&format!("{REAL_TAR} \"$@\" | head -c 200000\necho 'disk on fire' >&2\nexit 2")));
}

fn exits_2_late(scene: &mut Scene) {
    shim(scene, &is_create(&format!("{REAL_TAR} \"$@\"\nexit 2")));
}

fn missing(scene: &mut Scene) {
    scene.set_path(&scene.at("no-programs").display().to_string());
}

fn heal(scene: &mut Scene) {
    scene.set_path(&std::env::var("PATH").unwrap());
}

#[test]
fn a_tar_that_fails_leaves_nothing_in_a_directory() {
    for Failing { name, break_tar, code, words } in FAILING {
        let mut scene = Scene::new();
        break_tar(&mut scene);
        let run = scene.json(&[":backup:make", "tree"]);
        run.assert_code(code).assert_error(words);
        assert_eq!(run.report()["outcome"], "failed", "{name}");
        assert_eq!(run.report()["version"], serde_json::Value::Null, "{name}");
        assert_eq!(scene.store_files(), [""; 0], "{name}");
        assert_eq!(scene.list(), [""; 0], "{name}");
        heal(&mut scene);
        scene.make();
        assert_eq!(scene.list(), ["1"], "{name}");
        scene.assert_restores("out");
    }
}

#[test]
fn a_tar_that_fails_leaves_the_versions_before_it() {
    for Failing { name, break_tar, code, .. } in FAILING {
        let mut scene = Scene::new();
        scene.make();
        let before = scene.store_files();
        break_tar(&mut scene);
        scene.json(&[":backup:make", "tree"]).assert_code(code);
        assert_eq!(scene.store_files(), before, "{name}");
        heal(&mut scene);
        scene.assert_restores("out");
    }
}

#[test]
fn a_tar_that_fails_leaves_nothing_on_a_server() {
    for relay in ["true", "false"] {
        for Failing { name, break_tar, code, words } in FAILING {
            let server = Server::start();
            let mut scene = Scene::new().with_access(&server.access()).with_meta(&format!(", relay: {relay}"));
            break_tar(&mut scene);
            scene.json(&[":backup:make", "tree"]).assert_code(code).assert_error(words);
            assert_eq!(server.numbers(), [0; 0], "{name}");
            assert_eq!(scene.list(), [""; 0], "{name}");
            heal(&mut scene);
            scene.make();
            assert_eq!(server.numbers(), [1], "{name}");
            scene.assert_restores("out");
        }
    }
}

#[test]
fn the_message_for_people_names_the_cause_as_well() {
    let mut scene = Scene::new();
    exits_2(&mut scene);
    let run = scene.run(&[":backup:make", "tree"]);
    run.assert_code(9);
    assert!(run.said().contains("disk on fire") && run.said().contains("tar"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_tar_that_dies_in_a_restore_is_a_failure() {
    let mut scene = Scene::new();
    scene.make();
    shim(
        &mut scene,
        &format!(
            "case \" $* \" in *' --extract '*) head -c 1000 > /dev/null; kill -KILL $$ ;; esac\nexec {REAL_TAR} \"$@\""
        ),
    );
    let run = scene.json(&[":backup:restore", "tree", "--to", "out"]);
    run.assert_code(9).assert_error(&["tar", "signal 9"]);
}

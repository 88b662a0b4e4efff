//! Everything comes back.

use serde_json::json;

use super::support::{COLLECTION, Scene, Server};

#[test]
fn a_tree_comes_back_whole_through_a_directory() {
    let scene = Scene::with_odd_tree();
    let made = scene.make().report();
    assert_eq!((made["version"].as_str(), made["route"].as_str()), (Some("v1"), Some("relayed")));
    scene.assert_restores("out");
    let verified = scene.json(&[":backup:verify", "tree"]);
    verified.assert_code(0);
    assert_eq!(verified.report()["plain_bytes"], made["plain_bytes"]);
    assert_eq!(verified.report()["sha256"], made["sha256"]);
}

#[test]
fn a_tree_comes_back_whole_through_a_server_with_a_token() {
    let server = Server::start();
    let scene = Scene::with_odd_tree().with_access(&server.access());
    let made = scene.make().report();
    assert_eq!(server.versions(COLLECTION)[0].bytes, made["stored_bytes"].as_u64().unwrap());
    scene.assert_restores("out");
    assert!(server.logins().is_empty());
}

#[test]
fn a_login_is_narrowed_to_the_collection_and_revoked_at_the_end() {
    let server = Server::start();
    let scene = Scene::with_odd_tree().with_access(&server.access_by_password());
    scene.make();
    assert_eq!(server.active_sessions(), []);
    scene.assert_restores("out");
    assert_eq!(server.active_sessions(), []);
    let narrowed = |login: &bahub_testkit::backup_repository::RecordedLogin| {
        let scope = serde_json::to_value(&login.operations_scope).unwrap();
        let element = &scope["elements"][0];
        assert_eq!(scope["elements"].as_array().map(Vec::len), Some(1), "{scope}");
        (element["type"].clone(), element["name"].clone(), element["roles"].clone())
    };
    let logins = server.logins();
    assert!(!logins.is_empty() && logins.iter().all(|login| login.accepted));
    let roles: Vec<_> = logins.iter().map(narrowed).collect();
    assert!(roles.iter().all(|(kind, name, _)| *kind == "collection" && *name == COLLECTION), "{roles:?}");
    assert!(roles.iter().any(|(.., roles)| *roles == json!(["backupUploader"])), "{roles:?}");
    assert!(roles.iter().any(|(.., roles)| *roles == json!(["backupDownloader"])), "{roles:?}");
}

#[test]
fn a_failed_run_revokes_its_login_too() {
    let server = Server::start();
    let mut scene = Scene::new().with_access(&server.access_by_password());
    super::support::shim(&mut scene, &super::support::is_create("exit 2"));
    scene.json(&[":backup:make", "tree"]).assert_code(9);
    assert!(server.logins().iter().any(|login| login.accepted));
    assert_eq!(server.active_sessions(), []);
}

#[test]
fn every_compression_comes_back() {
    for (compression, magic) in [("gzip", &[0x1f, 0x8b][..]), ("none", &b"tmp/"[..]), ("zstd", &[0x2a, 0x4d, 0x18][..])]
    {
        let scene = Scene::new().with_meta(&format!(", compression: {compression}"));
        scene.make();
        let json = std::fs::read_to_string(scene.versions_folder().join("v000001.json")).unwrap();
        assert!(json.contains(&format!("\"compression\": \"{compression}\"")), "{json}");
        let gpg = bahub_testkit::fixtures::GnupgHome::new();
        gpg.import(&scene.keys().private());
        let stream = gpg.decrypt(&std::fs::read(scene.message(1)).unwrap(), "");
        let head = stream.windows(magic.len()).take(512).position(|window| window == magic);
        assert!(
            head.is_some_and(|at| at == 0 || compression == "none" || (compression, at) == ("zstd", 1)),
            "{compression}: {:?}",
            &stream[..16]
        );
        scene.assert_restores("out");
    }
}

#[test]
fn relayed_and_direct_are_told_apart_and_both_come_back() {
    for (relay, route) in [("true", "relayed"), ("false", "direct")] {
        let server = Server::start();
        let scene = Scene::new().with_access(&server.access()).with_meta(&format!(", relay: {relay}"));
        assert_eq!(scene.make().report()["route"], route);
        assert_eq!(scene.assert_restores("out").report()["route"], route);
        assert_eq!(server.numbers(), [1]);
    }
}

#[test]
fn a_directory_cannot_be_used_directly() {
    let scene = Scene::new().with_meta(", relay: false");
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(3).assert_error(&["relay: false"]);
    assert_eq!(scene.store_files(), [""; 0]);
}

//! `keep_agent`: one agent for all runs, as long as nobody else can have changed it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use bahub_core::transport::PutFile;
use bahub_testkit::fixtures::Sshd;
use serde_json::json;

use crate::support::{open, transport};

async fn placed(sshd: &Sshd, content: &str) -> String {
    let mut session = open(&transport(sshd.spec(), json!({ "keep_agent": true }))).await.unwrap();
    let file = PutFile { name: "agent", content: content.as_bytes(), mode: 0o555 };
    let placed = session.put(file).await.unwrap().0;
    session.close().await.unwrap();
    placed
}

#[tokio::test]
async fn an_agent_that_is_kept_is_used_again_and_one_that_was_changed_is_not() {
    let sshd = Sshd::start();
    // Of this test alone: the folder is named by the content.
    let content = format!("#!/bin/sh\n# {}\n", sshd.port());
    let path = placed(&sshd, &content).await;
    let file = Path::new(&path);
    let folder = file.parent().unwrap();
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("bahub-agent-"), "{path}");
    let inode = || file.metadata().unwrap().ino();
    let before = inode();
    assert_eq!((placed(&sshd, &content).await, inode()), (path.clone(), before));
    assert_eq!(folder.metadata().unwrap().mode() & 0o7777, 0o700);
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o555);
    for spoil in [
        &(|| std::fs::remove_file(file).and_then(|()| std::fs::write(file, "evil")).unwrap()) as &dyn Fn(),
        &|| std::fs::set_permissions(file, PermissionsExt::from_mode(0o757)).unwrap(),
        &|| std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap(),
        &|| std::fs::remove_file(file).unwrap(),
    ] {
        spoil();
        assert_eq!(placed(&sshd, &content).await, path);
        assert_eq!(std::fs::read_to_string(file).unwrap(), content);
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o555);
        assert_eq!(folder.metadata().unwrap().mode() & 0o7777, 0o700);
    }
    std::fs::remove_dir_all(folder).unwrap();
    // Somebody else's, or a link, is not touched.
    std::os::unix::fs::symlink("/nonexistent", folder).unwrap();
    let elsewhere = placed(&sshd, &content).await;
    assert!(!elsewhere.contains("bahub-agent-"), "{elsewhere}");
    assert!(!Path::new(&elsewhere).exists(), "it was closed");
    std::fs::remove_file(folder).unwrap();
}

//! `keep_agent`: one agent for all runs, as long as no other user can have changed it.

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
    // Unique to this test: the folder is named by the content.
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
    // A damaged copy, one of another user, or a link, is neither used nor touched.
    let write = |content: &str| std::fs::remove_file(file).and_then(|()| std::fs::write(file, content)).unwrap();
    let folder_mode = |mode| std::fs::set_permissions(folder, PermissionsExt::from_mode(mode)).unwrap();
    let file_mode = |mode| std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
    let spoilt = [
        &(|| write("evil")) as &dyn Fn(),
        &|| file_mode(0o757),
        &|| folder_mode(0o777),
        &|| std::os::unix::fs::chown(folder, Some(65534), None).unwrap(),
        &|| std::os::unix::fs::symlink("/nonexistent", folder).unwrap(),
    ];
    for (number, spoil) in spoilt.iter().enumerate() {
        if number == spoilt.len() - 1 {
            std::fs::remove_dir_all(folder).unwrap();
        }
        spoil();
        let elsewhere = placed(&sshd, &content).await;
        assert!(!elsewhere.contains("bahub-agent-"), "{number}: {elsewhere}");
        assert!(!Path::new(&elsewhere).exists(), "it was closed");
        if number < spoilt.len() - 1 {
            write(&content);
            file_mode(0o555);
            folder_mode(0o700);
            std::os::unix::fs::chown(folder, Some(0), None).unwrap();
            assert_eq!(placed(&sshd, &content).await, path, "{number}");
        }
    }
    std::fs::remove_file(folder).unwrap();
    // A cleaner of old files leaves an empty folder.
    std::fs::create_dir(folder).unwrap();
    assert_eq!(placed(&sshd, &content).await, path);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn two_that_place_it_at_once_do_not_disturb_each_other() {
    let sshd = Sshd::start();
    let content = format!("#!/bin/sh\n# two of {}\n", sshd.port());
    let both = tokio::join!(placed(&sshd, &content), placed(&sshd, &content));
    let folder = Path::new(&both.0).parent().unwrap();
    assert_eq!(both.0, both.1);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(&both.0).unwrap(), content);
    std::fs::remove_dir_all(folder).unwrap();
}

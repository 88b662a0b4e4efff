//! `keep_agent`: one agent for all runs, as long as no other user can have changed it.

use bahub_core::transport::PutFile;
use serde_json::json;

use super::support::{ENGINE, open, transport};

async fn placed(name: &str, more: serde_json::Value) -> String {
    let mut session = open(&transport(name, more)).await.unwrap();
    let placed = session.put(PutFile { name: "agent", content: b"#!/bin/sh\n", mode: 0o555 }).await.unwrap().0;
    session.close().await.unwrap();
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_kept_is_used_again_and_one_that_was_changed_is_not() {
    let name = ENGINE.container("keeps", &[]);
    let inode = |path: &str| ENGINE.docker(&["exec", &name, "stat", "-c", "%i %a %u", path]);
    for (user, uid) in [("root", "0"), ("plain", "1234")] {
        let spec = json!({ "user": user, "keep_agent": true });
        let first = placed(&name, spec.clone()).await;
        assert!(first.starts_with("/tmp/bahub-agent-"), "{first}");
        let before = inode(&first);
        assert!(before.ends_with(&format!(" 555 {uid}")), "{before}");
        assert_eq!((placed(&name, spec.clone()).await, inode(&first)), (first.clone(), before));
        // Different content under the same name, then a folder that others may write.
        ENGINE.docker(&["exec", &name, "sh", "-c", &format!("rm {first}; echo evil >{first}; chmod 555 {first}")]);
        let second = placed(&name, spec.clone()).await;
        assert_ne!(second, first);
        assert_eq!(second.rsplit_once('/').unwrap().0, first.rsplit_once('/').unwrap().0);
        let folder = second.rsplit_once('/').unwrap().0.to_owned();
        ENGINE.docker(&["exec", &name, "chmod", "777", &folder]);
        let third = placed(&name, spec.clone()).await;
        assert!(!third.starts_with("/tmp/bahub-agent-"), "{third}");
        ENGINE.docker(&["exec", &name, "rm", "-r", &folder]);
    }
    assert_eq!(ENGINE.docker(&["exec", &name, "ls", "-A", "/tmp"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_keep_nothing() {
    let name = ENGINE.container("keeps-nothing", &["--read-only", "--tmpfs", "/tmp", "--volume", "/data"]);
    assert!(placed(&name, json!({ "keep_agent": true })).await.starts_with("/data/bahub-"));
    assert_eq!(ENGINE.docker(&["exec", &name, "ls", "-A", "/data"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_place_it_at_once_do_not_disturb_each_other() {
    let name = ENGINE.container("keeps-for-two", &[]);
    let one = || placed(&name, json!({ "keep_agent": true }));
    let both = tokio::join!(one(), one(), one());
    for path in [both.0, both.1, both.2] {
        assert_eq!(ENGINE.docker(&["exec", &name, "cat", &path]), "#!/bin/sh");
    }
}

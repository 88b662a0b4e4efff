//! Where there is no more than busybox and sqlite3, as in many containers.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_testkit::fakes::WithPrograms;
use bahub_testkit::fixtures::script;
use serde_json::json;

use super::support::{Room, adapter, done, sql};

#[tokio::test(flavor = "multi_thread")]
async fn busybox_is_enough() {
    let room = Room::with("PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('good');");
    let (tools, shell) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let applets = ["cat", "chmod", "chown", "find", "ln", "mktemp", "mv", "readlink", "rm", "sh", "stat", "sync"];
    applets.iter().for_each(|name| symlink("/bin/busybox", tools.path().join(name)).unwrap());
    symlink("/usr/bin/sqlite3", tools.path().join("sqlite3")).unwrap();
    let tools = tools.path().display();
    script(&shell.path().join("sh"), &format!("PATH={tools} exec {tools}/sh \"$@\""));

    let adapter = WithPrograms::new(adapter(&room.database(), json!({})), shell.path());
    let plan = room.engine.plan(Arc::new(adapter), Arc::new(room.sink.clone()));
    let left = room.folder.path().join(".bahub-new-00");
    fs::File::create(&left).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    done(&room.engine.backup(&plan).await);
    sql(&room.database(), "UPDATE t SET v = 'bad'");
    let drill = room.engine.restore(&plan, &RestoreOptions::default().mode(RestoreMode::DrillOnly)).await;
    done(&drill);
    assert!(drill.report.drill.unwrap().compared);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "bad");
    done(&room.engine.restore(&plan, &RestoreOptions::default()).await);
    assert_eq!(sql(&room.database(), "SELECT v FROM t"), "good");
    assert_eq!(room.names(), ["app.db"]);
}

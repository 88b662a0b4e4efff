//! Every future of the engine can be spawned, and sent to another thread.

use bahub_core::engine::{
    BackupOptions, DownloadContent, DownloadOptions, ReadOptions, RecoverOptions, RestoreOptions, VerifyOptions,
};
use bahub_core::sink::VersionSelector;
use bahub_testkit::fixtures::EngineRoom;

fn sent<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn every_public_future_is_send() {
    let (room, plan) = super::support::plan();
    let engine = room.engine();
    let download = DownloadOptions::new(VersionSelector::Latest, DownloadContent::Plain, "/nowhere");
    drop(sent(engine.backup(&plan, &BackupOptions::default())));
    drop(sent(engine.restore(&plan, &RestoreOptions::default())));
    drop(sent(engine.verify(&plan, &VerifyOptions::default())));
    drop(sent(engine.download(&plan, &download)));
    drop(sent(engine.read(&plan, &ReadOptions::default())));
    drop(sent(engine.recover(&plan, &RecoverOptions::default())));
    drop(sent(engine.list(&plan)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_can_be_spawned() {
    let (room, plan): (EngineRoom, _) = super::support::plan();
    let engine = room.engine().clone();
    let outcome = tokio::spawn(async move { engine.backup(&plan, &BackupOptions::default()).await }).await.unwrap();
    assert!(outcome.into_result().is_ok());
}

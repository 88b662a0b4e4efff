//! The observer is handed real runs.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acme::RunLog;
use bahub_core::engine::BackupOptions;
use bahub_testkit::fakes::{CopyFile, MemorySink};
use bahub_testkit::fixtures::EngineRoom;
use serde_json::Value;

/// Backs up this file, and returns the log's record of it.
async fn logged(data: &Path, log: &Path) -> Vec<Value> {
    let room = EngineRoom::new();
    let engine = room.engine().clone().observed_by(RunLog::new(log));
    let plan = room.plan(Arc::new(CopyFile::new(data, "hunter22")), MemorySink::shared("shop"));
    let _ = engine.backup(&plan, &BackupOptions::default()).await;
    // It has its own thread, for which a program waits at its end.
    engine.observers().drain(Duration::from_secs(10));
    let lines = fs::read_to_string(log).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_run_that_ended_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("runs"));

    let failed = logged(&data, &log).await;
    fs::write(&data, "precious").unwrap();
    let both = logged(&data, &log).await;

    assert_eq!(failed, both[..1]);
    assert!(both[0]["error"]["message"].as_str().unwrap().contains("cat"), "{}", both[0]);
    assert_eq!((&both[1]["exit"], &both[1]["report"]["version"]), (&Value::from("ok"), &Value::from("v1")));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_changes_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::write(&data, "precious").unwrap();
    let room = EngineRoom::new();
    let engine = room.engine().clone().observed_by(RunLog::new(folder.path().join("missing/runs")));
    let plan = room.plan(Arc::new(CopyFile::new(&data, "hunter22")), MemorySink::shared("shop"));

    let outcome = engine.backup(&plan, &BackupOptions::default()).await;
    engine.observers().drain(Duration::from_secs(10));

    assert_eq!(outcome.into_result().unwrap().version.unwrap().to_string(), "v1");
}

//! An observer gets all that matters, without secrets, and delays no run.

use std::sync::Arc;

use bahub_core::engine::BackupOptions;
use bahub_core::event::Event;
use bahub_core::observer::{Observer, RunInfo};
use bahub_core::report::Outcome;
use bahub_core::secret::Secret;
use bahub_testkit::fakes::{CopyFile, MemorySink};
use bahub_testkit::fixtures::EngineRoom;

use super::support::{Everything, PATIENCE, Seen, Watcher, plan};

/// Never returns from its first event.
struct Stuck;

impl Observer for Stuck {
    fn event(&mut self, _run: &RunInfo, _event: &Event) {
        loop {
            std::thread::park();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_observer_and_a_panicking_one_change_nothing() {
    struct Panics;
    impl Observer for Panics {
        fn event(&mut self, _run: &RunInfo, _event: &Event) {
            panic!("on purpose");
        }
    }
    let (room, plan) = plan();
    let (watcher, mut seen) = Watcher::new();
    let engine = room.engine().clone().observed_by(Stuck).observed_by(Panics).observed_by(watcher);
    let report = engine.backup(&plan, &BackupOptions::default()).await.into_result().unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    let record = async {
        loop {
            if let Some(Seen::Finished(record)) = seen.recv().await {
                return record;
            }
        }
    };
    let record = tokio::time::timeout(PATIENCE, record).await.expect("the one beside them hears of the end");
    assert_eq!((record.exit_code, record.exit), (0, "ok"));
    assert_eq!(record.report.run, report.run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_the_plan_reaches_no_observer_whatever_its_line_ends() {
    let room = EngineRoom::new();
    // A program that fails and prints a file name that is a secret on its standard error.
    let adapter = CopyFile::new("/nowhere/hunter22", "");
    let mut plan = room.plan(Arc::new(adapter), MemorySink::shared("observers"));
    plan.scrubber.learn(&Secret::new("hunter22\n"));
    plan.notices = vec!["about hunter22".into()];
    let everything = Everything::default();
    let engine = room.engine().clone().observed_by(everything.clone());
    let outcome = engine.backup(&plan, &BackupOptions::default()).await;
    engine.observers().drain(PATIENCE);
    let seen = everything.text() + &format!("{outcome:?}");
    assert!(seen.contains("[redacted]") && !seen.contains("hunter22"), "{seen}");
}

//! A version as a stream of its content.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::engine::{ReadOptions, RunControl, RunErrorKind};
use bahub_core::plan::Plan;
use bahub_core::sink::{VersionNumber, VersionSelector};
use bahub_testkit::fakes::{CopyFile, LyingSink, MemorySink, SinkLie};
use bahub_testkit::fixtures::EngineRoom;
use futures::{StreamExt, TryStreamExt};

use super::support::PATIENCE;

const LATEST: VersionSelector = VersionSelector::Latest;

/// A plan with a version of this many incompressible bytes.
async fn made(bytes: usize) -> (EngineRoom, Plan, Vec<u8>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("file");
    let mut state = 1_u32;
    let content: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(bytes)
    .collect();
    std::fs::write(&file, &content).expect("the file can be written");
    let room = EngineRoom::new();
    let plan = room.plan(Arc::new(CopyFile::new(&file, "")), MemorySink::shared("reader"));
    room.backup(&plan).await.into_result().expect("a version is made");
    (room, plan, content, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_gives_what_was_captured_and_then_the_report() {
    let (room, plan, content, _folder) = made(5_000_000).await;
    let mut reader = room.engine().read(&plan, &ReadOptions::of(LATEST));
    let mut read = Vec::new();
    while let Some(chunk) = reader.try_next().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert!(read == content);
    let report = reader.report().unwrap();
    assert_eq!((report.version, report.plain_bytes), (Some(VersionNumber(1)), 5_000_000));
    assert!(reader.next().await.is_none(), "it stays at its end");
}

/// A reader that is slower than the run, in a task with one step left before tokio makes it yield: the end of the run uses
/// that step while chunks wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_has_to_yield_loses_no_chunk_at_the_end() {
    let (room, plan, content, _folder) = made(3_000_000).await;
    let mut reader = room.engine().read(&plan, &ReadOptions::of(LATEST));
    let (mut read, mut is_tired) = (Vec::new(), false);
    loop {
        let next = poll_fn(|cx| {
            is_tired = !is_tired;
            for _ in 0..if is_tired { 127 } else { 0 } {
                let _ = pin!(tokio::task::consume_budget()).poll(cx);
            }
            reader.poll_next_unpin(cx)
        });
        let Some(chunk) = next.await else { break };
        read.extend_from_slice(&chunk.unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(read.len(), content.len());
    assert!(read == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_cut_ends_in_an_error_and_a_missing_one_in_nothing_else() {
    let (room, mut plan, content, _folder) = made(5_000_000).await;
    plan.sink = Arc::new(LyingSink::new(SinkLie::TruncatesReads));
    room.backup(&plan).await.into_result().unwrap();
    let items: Vec<_> = room.engine().read(&plan, &ReadOptions::of(LATEST)).collect().await;
    let (last, before) = items.split_last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().kind(), RunErrorKind::Integrity);
    assert!(before.iter().all(Result::is_ok));
    assert!(before.iter().flatten().map(|chunk| chunk.len()).sum::<usize>() <= content.len());

    let options = ReadOptions::of(VersionSelector::Number(VersionNumber(9)));
    let items: Vec<_> = room.engine().read(&plan, &options).collect().await;
    assert!(items.len() == 1 && items[0].is_err(), "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_slow_can_be_cancelled_and_one_that_is_dropped_leaves_no_run() {
    let (room, plan, _content, _folder) = made(20_000_000).await;
    let control = RunControl::default();
    let mut reader = room.engine().read(&plan, &ReadOptions::of(LATEST).controlled_by(&control));
    reader.try_next().await.unwrap();
    control.cancel();
    let rest: Vec<_> = tokio::time::timeout(PATIENCE, reader.collect()).await.expect("it ends");
    assert_eq!(rest.last().unwrap().as_ref().unwrap_err().kind(), RunErrorKind::Cancelled);

    let mut reader = room.engine().read(&plan, &ReadOptions::of(LATEST));
    reader.try_next().await.unwrap();
    drop(reader);
    tokio::time::timeout(PATIENCE, room.engine().idle()).await.expect("no run goes on");
}

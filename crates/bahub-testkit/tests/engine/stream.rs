//! Data that the program which runs the engine makes itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::{Capture, DataStream, Segment, Source};
use bahub_core::compression::{Algorithm, Compression};
use bahub_core::engine::{BackupOptions, ReadOptions, RunControl, RunErrorKind};
use bahub_core::replay::{Replay, ReplayTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::sink::Sink;
use bahub_core::step::{ByteString, Step};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::support::{PATIENCE, Scene};

/// A capture of these segments, and no restore.
#[derive(Debug)]
struct Segments(Vec<Segment>);

impl Adapter for Segments {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[]
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        Vec::new()
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        Ok(Capture { segments: self.0.clone(), ..Capture::default() })
    }

    fn replay(&self, _target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        Err(Unsupported { what: "there is no restore".into(), help: "{download the data}".into() })
    }
}

/// A workload whose backup is these segments.
fn scene(segments: Vec<Segment>) -> Scene {
    let mut scene = Scene::new();
    scene.plan.adapter = Arc::new(Segments(segments));
    scene
}

fn stream<S>(open: impl Fn() -> S + Send + Sync + 'static) -> Segment
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    DataStream::new(open).into()
}

/// So many chunks of 100,000 bytes.
fn chunks(count: u8) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures::stream::iter((0..count).map(|number| Ok(Bytes::from(vec![number; 100_000]))))
}

/// Says how many are open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A stream of a first chunk that then gives nothing more, and how many of it are open.
fn that_hangs() -> (Segment, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&count);
    let segment = stream(move || {
        opened.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&opened));
        chunks(1).chain(futures::stream::pending()).inspect(move |_| {
            let _ = &open;
        })
    });
    (segment, count)
}

/// The run left no version and its workload running.
async fn nothing_is_left(scene: &Scene) {
    assert!(scene.sink.list().await.expect("a store in memory lists").is_empty());
    assert_eq!(scene.workload.history(), ["stopped", "started"]);
}

/// The run fails and leaves nothing; what it says.
async fn refused(scene: &Scene, kind: RunErrorKind) -> String {
    let outcome = timeout(PATIENCE, scene.room.backup(&scene.plan)).await.expect("the run ends");
    let error = outcome.error.expect("the run fails");
    assert_eq!(error.kind(), kind, "{}", error.chain());
    nothing_is_left(scene).await;
    error.chain()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_programs_are_read_in_their_order_while_the_workload_is_quiet() {
    let text = |text: &str| Segment::new(Source::Literal(ByteString::from(text))).named(text);
    let program = Segment::of(vec![Step::new("printf").arg("of a program")]);
    let ends = stream(|| futures::stream::iter([Ok("END".into())])).with_trailer("END");
    let scene = scene(vec![text("first"), stream(|| chunks(90)), program, stream(|| chunks(0)), ends, text("last")]);

    let report = scene.room.backup(&scene.plan).await.into_result().unwrap();

    let read = scene.room.engine().read(&scene.plan, &ReadOptions::default());
    let read: Vec<u8> = read.try_fold(Vec::new(), async |all, chunk| Ok([all, chunk.into()].concat())).await.unwrap();
    let mut expected = b"first".to_vec();
    (0..90).for_each(|number| expected.extend([number; 100_000]));
    expected.extend(b"of a programENDlast");
    assert!(read == expected, "{} bytes of {}", read.len(), expected.len());
    assert_eq!(report.plain_bytes, expected.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_opened_once_and_while_the_workload_is_stopped() {
    let mut scene = Scene::new();
    let (workload, opened) = (scene.workload.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&opened);
    let segment = stream(move || {
        count.fetch_add(1, Ordering::SeqCst);
        assert_eq!(workload.history(), ["stopped"]);
        chunks(3)
    });
    scene.plan.adapter = Arc::new(Segments(vec![segment]));
    scene.room.backup(&scene.plan).await.into_result().unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_stream_is_the_error_of_the_run() {
    let lost = || Err(io::Error::other("the pool is closed"));
    let scene = scene(vec![stream(move || chunks(30).chain(futures::stream::iter([lost()])))]);
    let error = refused(&scene, RunErrorKind::Program).await;
    assert!(error.contains("the pool is closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_stream_leaves_nothing_down() {
    let scene = scene(vec![stream(|| chunks(3).map(|_| -> io::Result<Bytes> { panic!("on purpose") }))]);
    refused(&scene, RunErrorKind::Internal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_its_trailer_is_no_backup() {
    let scene = scene(vec![stream(|| chunks(1)).with_trailer("END")]);
    let error = refused(&scene, RunErrorKind::Program).await;
    assert!(error.contains("its end is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_gives_nothing_more_can_be_cancelled_and_dropped() {
    let (segment, open) = that_hangs();
    let cancelled = scene(vec![segment]);
    let control = RunControl::default();
    let options = BackupOptions::default().controlled_by(&control);
    let backup = cancelled.room.engine().backup(&cancelled.plan, &options);
    let cancel = async {
        while open.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        control.cancel();
    };
    let (outcome, ()) = timeout(PATIENCE, async { tokio::join!(backup, cancel) }).await.expect("the run ends");
    assert_eq!(outcome.error.unwrap().kind(), RunErrorKind::Cancelled);
    assert_eq!(open.load(Ordering::SeqCst), 0);
    nothing_is_left(&cancelled).await;

    let (segment, open) = that_hangs();
    let dropped = scene(vec![segment]);
    let backup = dropped.room.backup(&dropped.plan);
    tokio::select! {
        outcome = backup => panic!("the run ended: {:?}", outcome.error),
        () = async { while open.load(Ordering::SeqCst) == 0 { tokio::task::yield_now().await } } => {}
    }
    timeout(PATIENCE, dropped.room.engine().idle()).await.expect("no run goes on");
    assert_eq!(open.load(Ordering::SeqCst), 0);
    nothing_is_left(&dropped).await;
}

/// What the store says comes first, though the agent waits for the stream.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_ends_a_stream_that_gives_nothing_more() {
    let (segment, open) = that_hangs();
    let mut scene = scene(vec![stream(|| chunks(100)), segment]);
    scene.plan.sink = Arc::new(scene.sink.clone().with_room(1_000_000));
    scene.plan.compression = Compression::new(Algorithm::None);
    refused(&scene, RunErrorKind::Store).await;
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

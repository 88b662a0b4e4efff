//! From the thread that makes the message to where it goes.

use std::sync::atomic::Ordering;

use bahub_core::link::{CaptureJob, Failure};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::census::Counted;
use super::fed::Fed;
use super::output::Output;
use super::pump::{Learnt, pump};
use crate::job::{JobContext, failure};
use crate::stream::{ChunkWriter, SourceEvent};

/// How many chunks of ciphertext may wait for the store.
const DEPTH: usize = 4;

/// Runs the blocking side in a thread and moves its chunks to the store. On any failure the programs are dead when
/// this returns.
pub(super) async fn stream(
    job: &CaptureJob,
    before: Counted,
    data: mpsc::UnboundedReceiver<SourceEvent>,
    cx: &JobContext,
    output: &mut Output,
) -> Result<Learnt, Failure> {
    let (writer, mut chunks) = ChunkWriter::new(DEPTH);
    let stop = cx.cancel.child_token();
    let fed = Fed::new(data, stop.clone());
    let pump = tokio::task::spawn_blocking({
        let (job, cx) = (job.clone(), cx.clone());
        move || pump(&job, before, fed, &cx, writer)
    });
    let stored = move_chunks(&mut chunks, cx, output).await;
    if stored.is_err() {
        cx.switch.trip();
        stop.cancel();
    }
    // A thread that waits for room in the channel is let go.
    drop(chunks);
    let pumped = pump.await.map_err(|error| failure::thread(&error))?;
    // The store's refusal comes first: that the programs were killed is its consequence.
    stored.and(pumped)
}

async fn move_chunks(chunks: &mut mpsc::Receiver<Bytes>, cx: &JobContext, output: &mut Output) -> Result<(), Failure> {
    loop {
        let chunk = tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
            chunk = chunks.recv() => chunk,
        };
        let Some(chunk) = chunk else { return Ok(()) };
        let size = chunk.len() as u64;
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
            written = output.write(chunk) => written?,
        }
        cx.counters.stored.fetch_add(size, Ordering::Relaxed);
    }
}

//! Reading a version as a stream, for a program that embeds the engine.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream};
use tokio::sync::mpsc;

use super::control::RunControl;
use super::error::RunError;
use super::outcome::RunOutcome;
use super::read::Content;
use super::run::{Run, Work};
use super::runner::Engine;
use crate::event::{Operation, Phase};
use crate::link::Deliver;
use crate::plan::Plan;
use crate::report::Report;
use crate::run::{RunContext, RunPurpose};
use crate::sink::VersionSelector;

/// How many chunks of at most 256 KiB may wait for their reader.
const WAITING: usize = 4;

/// What is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The version.
    pub version: VersionSelector,
    /// Ends the run from outside.
    pub control: RunControl,
}

impl ReadOptions {
    /// Reads this version.
    pub fn of(version: VersionSelector) -> Self {
        Self { version, ..Self::default() }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

/// The content of a version, decrypted and decompressed on this host: a stream of chunks of at most 256 KiB.
///
/// The bytes come before they are proven: only a stream that ends without an error is a whole message. One that was damaged,
/// cut, cancelled or could not be opened ends with one error. Nothing is read faster than the stream is polled, but for what waits on the way: at most 32 MiB.
/// Dropping it cancels the run.
pub struct VersionReader {
    chunks: mpsc::Receiver<Bytes>,
    run: Option<BoxFuture<'static, RunOutcome>>,
    outcome: Option<RunOutcome>,
    report: Option<Report>,
}

impl VersionReader {
    /// The report of the run, once the stream ended without an error.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }
}

impl fmt::Debug for VersionReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionReader").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Stream for VersionReader {
    type Item = Result<Bytes, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(run) = &mut this.run
            && let Poll::Ready(outcome) = run.poll_unpin(cx)
        {
            (this.run, this.outcome) = (None, Some(outcome));
        }
        // What was handed over before the end comes before it: the channel is at its end when it says so. That nothing is
        // ready may only mean that tokio wants the task to yield.
        match this.chunks.poll_recv(cx) {
            Poll::Ready(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
            Poll::Ready(None) if this.run.is_none() => {}
            Poll::Ready(None) | Poll::Pending => return Poll::Pending,
        }
        match this.outcome.take().map(RunOutcome::into_result) {
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            Some(Ok(report)) => {
                this.report = Some(report);
                Poll::Ready(None)
            }
            None => Poll::Ready(None),
        }
    }
}

impl Engine {
    /// Reads a version as a stream; the run begins with the first poll.
    ///
    /// ```
    /// use bahub_core::engine::{Engine, ReadOptions, RunError};
    /// use bahub_core::plan::Plan;
    /// use futures::TryStreamExt;
    ///
    /// async fn size(engine: &Engine, plan: &Plan) -> Result<usize, RunError> {
    ///     let content = engine.read(plan, &ReadOptions::default());
    ///     content.try_fold(0, |size, chunk| async move { Ok(size + chunk.len()) }).await
    /// }
    /// ```
    pub fn read(&self, plan: &Plan, options: &ReadOptions) -> VersionReader {
        let (sender, chunks) = mpsc::channel(WAITING);
        let (engine, plan, work) = (self.clone(), plan.clone(), ReadOut { options: options.clone(), sender });
        let run = async move { engine.run(&plan, work).await };
        VersionReader { chunks, run: Some(run.boxed()), outcome: None, report: None }
    }
}

/// A version that goes to a reader.
struct ReadOut {
    options: ReadOptions,
    sender: mpsc::Sender<Bytes>,
}

#[async_trait]
impl Work for ReadOut {
    fn operation(&self) -> Operation {
        Operation::Download
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Restore
    }

    fn control(&self) -> &RunControl {
        &self.options.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        let content = Content::Reader(self.sender.clone(), &cx.cancel);
        let what = (Phase::Downloading, Deliver::Controller, content);
        engine.read_here(plan, self.options.version, what, cx, run).await
    }
}

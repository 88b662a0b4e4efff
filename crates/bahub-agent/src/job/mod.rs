//! The jobs of an agent.

mod capture;
mod context;
mod effect;
mod failure;
mod pipeline;
mod plain;
mod probe;
mod read;
mod replay;
mod script;
mod source;

use bahub_core::link::{Done, Failure, FailureKind, Job};
pub(crate) use context::{JobContext, JobInput};

/// Does a job to its end.
///
/// # Errors
/// Everything that was begun was ended: programs are dead, uploads are aborted.
pub(crate) async fn run(job: Job, cx: JobContext, input: JobInput) -> Result<Done, Failure> {
    let cancel = cx.cancel.clone();
    let switch = cx.switch.clone();
    // A runtime that is shut down drops its tasks and waits for its threads, which wait for programs.
    let _killed = cx.switch.on_drop();
    let watch = tokio::spawn(async move {
        cancel.cancelled().await;
        switch.trip();
    });
    let done = match job {
        Job::Probe(probes) => probe::run(probes, &cx).await,
        Job::Lines(step) => probe::lines(step, &cx).await,
        Job::Capture(job) => capture::run(*job, &cx, input).await,
        Job::Read(job) => read::run(job, &cx, input).await,
    };
    watch.abort();
    // Whatever errors the programs ended with, the reason was the cancellation.
    match done {
        Err(failure) if cx.cancel.is_cancelled() && !is_unknown(&failure.kind) => Err(Failure::cancelled()),
        done => done,
    }
}

/// Whether it is to be said even of a run that was cancelled.
fn is_unknown(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::CommitUnknown | FailureKind::EffectUnknown)
}

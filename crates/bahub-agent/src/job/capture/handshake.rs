//! The order of a capture, and what is agreed on with the controller meanwhile.

use bahub_core::link::{CaptureJob, Done, Failure, FromAgent};
use tokio::sync::{mpsc, oneshot};

use super::census::Counted;
use super::output::Output;
use super::pump::Learnt;
use super::stream::stream;
use crate::job::{JobContext, JobInput, failure};
use crate::stream::SourceEvent;

/// Captures to the end and, on a direct route, commits.
pub(in crate::job) async fn run(job: CaptureJob, cx: &JobContext, input: JobInput) -> Result<Done, Failure> {
    let JobInput { grant, go, commit, data, .. } = input;
    let mut output = Output::open(&job, cx, grant).await?;
    let captured = captured_whole(&job, cx, &mut output, data, (go, commit)).await;
    let (plain, stored) = (cx.counters.plain(), cx.counters.stored());
    match captured {
        Ok(Learnt { warnings, missing }) => {
            let receipt = output.commit(missing.len()).await?;
            Ok(Done::Captured { plain, stored, receipt, warnings, missing })
        }
        Err(failure) => {
            output.abort(&cx.log()).await;
            Err(failure)
        }
    }
}

/// Everything between the begin of the version and its commit. Counting, which may take long, is done before the workload is
/// stopped and after the last byte was read.
async fn captured_whole(
    job: &CaptureJob,
    cx: &JobContext,
    output: &mut Output,
    data: mpsc::UnboundedReceiver<SourceEvent>,
    (go, commit): (oneshot::Receiver<()>, oneshot::Receiver<()>),
) -> Result<Learnt, Failure> {
    let counting = tokio::task::spawn_blocking({
        let (job, cx) = (job.clone(), cx.clone());
        move || Counted::take(&job, &cx)
    });
    let before = counting.await.map_err(|error| failure::thread(&error))?;
    if cx.cancel.is_cancelled() {
        return Err(Failure::cancelled());
    }
    cx.send(&FromAgent::Begun)?;
    cx.answered(go).await?;
    let moved = cx.with_progress(stream(job, before, data, cx, output)).await;
    cx.report_progress();
    let learnt = moved?;
    if cx.cancel.is_cancelled() {
        return Err(Failure::cancelled());
    }
    if matches!(output, Output::Direct(_)) {
        cx.send(&FromAgent::Stored)?;
        cx.answered(commit).await?;
    }
    Ok(learnt)
}

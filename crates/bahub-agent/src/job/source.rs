//! Where the ciphertext of a read comes from.

use std::sync::Arc;

use bahub_core::agent::DirectSink;
use bahub_core::link::{Failure, FromAgent, ReadJob, Route};
use bahub_core::secret::Secret;
use bahub_core::sink::{AgentSink, Sink, SinkError, SinkErrorKind};
use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};

use super::JobContext;
use crate::stream::SourceEvent;

/// Reaches a store without credentials, says so, and opens it with the credentials that come.
pub(super) async fn reached(
    kind: &str,
    endpoint: &str,
    cx: &JobContext,
    grant: oneshot::Receiver<Secret>,
) -> Result<Arc<dyn Sink>, Failure> {
    let sink: &Arc<dyn DirectSink> = cx.sinks.get(kind).ok_or_else(|| {
        Failure::from(SinkError::new(SinkErrorKind::Other, format!("this agent does not support the sink {kind}")))
    })?;
    cx.unless_cancelled(sink.reach(endpoint)).await?;
    cx.send(&FromAgent::Reached)?;
    let grant = tokio::select! {
        grant = grant => grant.map_err(|_| Failure::cancelled())?,
        () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
    };
    let granted = AgentSink::new(kind, endpoint, grant);
    Ok(sink.open(&granted)?)
}

/// The ciphertext's way from the controller or the store to the thread that reads it.
pub(super) enum Ciphertext {
    Relayed(mpsc::UnboundedReceiver<SourceEvent>),
    Direct(Arc<dyn Sink>),
}

impl Ciphertext {
    /// Opens the route of this job.
    pub(super) async fn open(
        job: &ReadJob,
        cx: &JobContext,
        grant: oneshot::Receiver<Secret>,
        data: mpsc::UnboundedReceiver<SourceEvent>,
    ) -> Result<Self, Failure> {
        match &job.route {
            Route::Relayed => Ok(Self::Relayed(data)),
            Route::Direct { kind, endpoint } => Ok(Self::Direct(reached(kind, endpoint, cx, grant).await?)),
        }
    }

    /// Moves everything into the channel and ends with [`SourceEvent::End`] where the source ended well. A reader that
    /// went away ends it without an error: the reader knows why.
    pub(super) async fn pour(
        self,
        job: &ReadJob,
        cx: &JobContext,
        into: mpsc::Sender<SourceEvent>,
    ) -> Result<(), Failure> {
        let poured = async {
            match self {
                Self::Relayed(data) => pour_relayed(data, cx, &into).await,
                Self::Direct(sink) => pour_direct(sink.as_ref(), job, &into).await,
            }
        };
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => Err(Failure::cancelled()),
            poured = poured => poured,
        }
    }
}

async fn pour_relayed(
    mut data: mpsc::UnboundedReceiver<SourceEvent>,
    cx: &JobContext,
    into: &mpsc::Sender<SourceEvent>,
) -> Result<(), Failure> {
    while let Some(event) = data.recv().await {
        match event {
            SourceEvent::Chunk(chunk) => {
                let size = chunk.len();
                if into.send(SourceEvent::Chunk(chunk)).await.is_err() {
                    return Ok(());
                }
                cx.sender.credit(size);
            }
            SourceEvent::End => {
                let _ = into.send(SourceEvent::End).await;
                return Ok(());
            }
        }
    }
    Err(Failure::cancelled())
}

async fn pour_direct(sink: &dyn Sink, job: &ReadJob, into: &mpsc::Sender<SourceEvent>) -> Result<(), Failure> {
    let mut download = sink.open(job.version).await?;
    let mut count = 0;
    while let Some(chunk) = download.stream.next().await {
        let chunk = chunk?;
        count += chunk.len() as u64;
        if into.send(SourceEvent::Chunk(chunk)).await.is_err() {
            return Ok(());
        }
    }
    if let Some(size) = download.missed_size(count) {
        let message = format!("the store sent {count} bytes of a message of {size}");
        return Err(SinkError::new(SinkErrorKind::Corrupt, message).into());
    }
    let _ = into.send(SourceEvent::End).await;
    Ok(())
}

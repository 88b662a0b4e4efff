//! Data that the embedding program feeds into a capture.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::capture::{Capture, DataStream, Source};
use crate::engine::agent::protocol_violation;
use crate::engine::error::{RunError, RunErrorKind};
use crate::link::{LinkSender, ToAgent};

/// The streams of a capture, and the one that is being sent.
pub(in crate::engine) struct Feed {
    /// One for each segment, where it is a stream.
    streams: Vec<Option<DataStream>>,
    sending: Option<BoxFuture<'static, Result<(), RunError>>>,
}

impl Feed {
    /// The streams of this capture, none of them open.
    pub(in crate::engine) fn of(capture: &Capture) -> Self {
        let streams = capture.segments.iter().map(|segment| match &segment.source {
            Source::Stream(stream) => Some(stream.clone()),
            Source::Literal(_) | Source::Pipeline(_) => None,
        });
        Self { streams: streams.collect(), sending: None }
    }

    /// Opens the stream of a segment, which an agent asks for once.
    pub(super) fn begin(&mut self, segment: u32, agent: LinkSender<ToAgent>) -> Result<(), RunError> {
        let stream = usize::try_from(segment).ok().and_then(|index| self.streams.get_mut(index)?.take());
        let stream = stream.ok_or_else(protocol_violation)?;
        self.sending = Some(sent(stream, agent).boxed());
        Ok(())
    }

    /// Drops what is open.
    pub(super) fn stop(&mut self) {
        self.sending = None;
    }

    /// Sends what is open, and waits until it fails; for ever where it does not.
    pub(super) async fn failed(&mut self) -> RunError {
        if let Some(sending) = &mut self.sending {
            let sent = sending.await;
            self.sending = None;
            if let Err(error) = sent {
                return error;
            }
        }
        std::future::pending().await
    }
}

async fn sent(stream: DataStream, agent: LinkSender<ToAgent>) -> Result<(), RunError> {
    let written = stream.write_to(agent).await;
    let failed = |error| RunError::new(RunErrorKind::Program, format!("cannot read the data to back up: {error}"));
    written.map(drop).map_err(failed)
}

//! Segments whose bytes the controller sends.

use std::io::Write;
use std::sync::atomic::Ordering;

use bahub_core::link::{Failure, FromAgent};
use bahub_core::step::ByteString;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::job::{JobContext, failure};
use crate::stream::{SourceEvent, Tail};

/// What the controller sends, as the thread of the message reads it.
pub(super) struct Fed {
    data: mpsc::UnboundedReceiver<SourceEvent>,
    /// Ends the wait for it.
    stop: CancellationToken,
}

impl Fed {
    pub(super) fn new(data: mpsc::UnboundedReceiver<SourceEvent>, stop: CancellationToken) -> Self {
        Self { data, stop }
    }

    /// Asks for a segment and writes it. Blocks, and wants a thread of the runtime's.
    pub(super) fn segment(
        &mut self,
        segment: usize,
        trailer: Option<&ByteString>,
        cx: &JobContext,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let segment = u32::try_from(segment).unwrap_or(u32::MAX);
        cx.send(&FromAgent::Feed { segment })?;
        let mut tail = Tail::default();
        loop {
            match self.next()? {
                SourceEvent::Chunk(bytes) => {
                    tail.push(&bytes);
                    out.write_all(&bytes).map_err(|error| failure::writing(&error))?;
                    cx.counters.plain.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    cx.sender.credit(bytes.len());
                }
                SourceEvent::End => {
                    return match trailer {
                        Some(trailer) if !tail.holds(&trailer.0) => Err(failure::incomplete("the stream").into()),
                        _ => Ok(()),
                    };
                }
            }
        }
    }

    fn next(&mut self) -> Result<SourceEvent, Failure> {
        let Self { data, stop } = self;
        let next = async {
            tokio::select! {
                biased;
                () = stop.cancelled() => None,
                next = data.recv() => next,
            }
        };
        Handle::current().block_on(next).ok_or_else(Failure::cancelled)
    }
}

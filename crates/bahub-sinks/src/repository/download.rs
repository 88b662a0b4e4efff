//! Reading a version from the server.

use std::sync::Arc;

use bahub_core::sink::{Download, SinkError, SinkErrorKind, VersionNumber};
use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::Response;
use tokio::time::timeout;

use super::call::{self, Again};
use super::session::Session;
use crate::http;

/// Opens a version.
pub(super) async fn open(session: Arc<Session>, version: VersionNumber) -> Result<Download, SinkError> {
    let api = session.api();
    let opened = call::open(api, Again::Harmless, || session.authorize(api.get_version(version))).await;
    let doing = format!("give {version} of collection \"{}\"", api.collection());
    let response = opened?.map_err(|answer| answer.refusal(api, &doing))?;
    let size = response.content_length();
    let reader = Reader { session, response, version, size, received: 0 };
    let stream = stream::unfold(Some(reader), async |reader| {
        let mut reader = reader?;
        match reader.next().await.transpose() {
            Some(Ok(chunk)) => Some((Ok(chunk), Some(reader))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    });
    Ok(Download::new(stream.boxed()).with_size(size))
}

struct Reader {
    session: Arc<Session>,
    response: Response,
    version: VersionNumber,
    size: Option<u64>,
    received: u64,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, SinkError> {
        let api = self.session.api();
        match timeout(api.patience().stall, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                self.received += chunk.len() as u64;
                Ok(Some(chunk))
            }
            Ok(Ok(None)) if self.size.is_none_or(|size| size == self.received) => Ok(None),
            Ok(Ok(None)) => Err(self.broken(SinkErrorKind::Unreachable, "the connection ended early")),
            Ok(Err(error)) => {
                let cause = http::fault(error, api.place());
                Err(self.broken(SinkErrorKind::Unreachable, &cause.to_string()))
            }
            Err(_) => {
                let reason = format!("no data for {} s", api.patience().stall.as_secs_f64());
                Err(self.broken(SinkErrorKind::Stalled, &reason))
            }
        }
    }

    fn broken(&self, kind: SinkErrorKind, reason: &str) -> SinkError {
        let of = self.size.map(|size| format!(" of {size}")).unwrap_or_default();
        let message = format!("the download of {} broke after {}{of} bytes: {reason}", self.version, self.received);
        SinkError::new(kind, message).with_help("try again; if it breaks at the same byte, check the server's log")
    }
}

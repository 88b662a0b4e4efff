use std::{io, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::header,
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, stream};
use tokio::{fs::File, io::AsyncReadExt, time::sleep};

use super::{
    answers,
    auth::Authenticated,
    faults::Effect,
    observe::Planned,
    permissions::Action,
    state::Shared,
    storage::{StoredFile, StoredVersion},
    wire::Wire,
};

const PIECE: usize = 128 * 1024;
const TIME_TO_SEND: Duration = Duration::from_millis(100);

pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    Authenticated(session): Authenticated,
    Extension(wire): Extension<Arc<Wire>>,
    Extension(Planned(fault)): Extension<Planned>,
    Path((id, wanted)): Path<(String, String)>,
) -> Response {
    let found = {
        let state = shared.state();
        let Some(collection) = state.collections.get(&id) else {
            return answers::not_found("cannot find specified collection");
        };
        if !state.permits(&session, &id, |actor| actor.may(Action::Download, &id)) {
            return answers::forbidden("not authorized to download versions from this collection");
        }
        collection.find(&wanted).cloned()
    };
    let Some(version) = found else {
        return answers::not_found("cannot find specified version");
    };
    match File::open(version.file.path()).await {
        Ok(file) => send(&version, Sending { file, kept: Arc::clone(&version.file), sent: 0, fault, wire }),
        Err(error) => answers::server_error(&format!("cannot read from storage: {error}")),
    }
}

fn send(version: &StoredVersion, sending: Sending) -> Response {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", version.filename))
        .header(header::CONTENT_LENGTH, version.bytes)
        .body(Body::from_stream(sending.into_stream()))
        .unwrap_or_else(|error| answers::server_error(&format!("cannot copy stream to download a version: {error}")))
}

struct Sending {
    file: File,
    /// A rotation must not delete what is being sent.
    kept: Arc<StoredFile>,
    sent: u64,
    fault: Option<Effect>,
    wire: Arc<Wire>,
}

impl Sending {
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> {
        stream::try_unfold(self, |mut sending| async move {
            let piece = sending.next().await?;
            Ok(piece.map(|piece| (piece, sending)))
        })
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let most = self.until_fault().await?.min(PIECE as u64);
        if most == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; usize::try_from(most).expect("at most a piece")];
        let read = self.file.read(&mut piece).await?;
        piece.truncate(read);
        if let Some(Effect::CorruptDownloadAt(position)) = self.fault
            && let Some(offset) = position.checked_sub(self.sent)
            && let Some(byte) = usize::try_from(offset).ok().and_then(|offset| piece.get_mut(offset))
        {
            *byte ^= 1;
        }
        self.sent += read as u64;
        debug_assert!(self.kept.path().exists(), "a held body stays");
        Ok((read > 0).then(|| piece.into()))
    }

    /// How many bytes may be sent before a fault is due; a due fault is carried out.
    async fn until_fault(&self) -> io::Result<u64> {
        let left = |at: u64| at.saturating_sub(self.sent);
        match self.fault {
            Some(Effect::TruncateDownloadAfter(at)) => {
                if left(at) == 0 {
                    // hyper drops unsent data when a body ends early; this gives it time to send.
                    sleep(TIME_TO_SEND).await;
                }
                Ok(left(at))
            }
            Some(Effect::ResetDownloadAfter(at)) if left(at) == 0 => self.wire.reset().await,
            Some(Effect::StallDownloadAfter(at)) if left(at) == 0 => self.wire.stall().await,
            Some(Effect::ResetDownloadAfter(at) | Effect::StallDownloadAfter(at)) => Ok(left(at)),
            _ => Ok(u64::MAX),
        }
    }
}

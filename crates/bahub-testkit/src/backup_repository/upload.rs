//! Receiving a version, step by step as `pkg/http/collection.go` does.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Extension, RequestExt,
    extract::{Multipart, Path, Request, State},
    http::header,
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
    time::sleep,
};

use super::{
    answers,
    auth::Authenticated,
    faults::Effect,
    observe::Planned,
    permissions::Action,
    session::{Session, random_uuid},
    state::Shared,
    storage::{StoredFile, StoredVersion},
    stream_check::{LONGEST_READ, StreamCheck},
    wire::Wire,
};

/// Go reads a connection through a buffer of this size; a body without chunks may end in a read this short.
const LAST_READ_OF_A_PLAIN_BODY: u64 = 4096;

pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    Authenticated(session): Authenticated,
    Extension(wire): Extension<Arc<Wire>>,
    Extension(Planned(fault)): Extension<Planned>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    // Dropped with this future when the client disconnects: the lock is free again and the file is removed.
    let slot = match Slot::take(&shared, &session, &id) {
        Ok(slot) => slot,
        Err(refusal) => return *refusal,
    };
    let bytes = match (Intake { slot: &slot, wire: &wire, fault }).receive(request).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    sleep(shared.settings.registration_delay).await;
    let version = match slot.register(&session, bytes, fault) {
        Ok(version) => version,
        Err(error) => return answers::server_error(&format!("cannot upload version. {error}")),
    };
    drop(slot);
    if fault == Some(Effect::LoseAnswer) {
        return wire.reset().await;
    }
    answers::ok(json!({"version": version.to_json()}))
}

/// The right to upload to a collection, held by one upload at a time.
struct Slot {
    shared: Arc<Shared>,
    collection: String,
    number: u64,
    allowed: u64,
    file: Arc<StoredFile>,
    released: AtomicBool,
}

impl Slot {
    fn take(shared: &Arc<Shared>, session: &Session, id: &str) -> Result<Self, Box<Response>> {
        let mut state = shared.state();
        let Some(collection) = state.collections.get(id) else {
            return Err(answers::not_found("cannot find specified collection").into());
        };
        if !state.permits(session, id, |actor| actor.may(Action::Upload, id)) {
            return Err(answers::forbidden("not authorized to upload versions to this collection").into());
        }
        let in_time = collection.limits.windows_open;
        if !in_time && !state.permits(session, id, |actor| actor.may(Action::UploadAnytime, id)) {
            return Err(answers::forbidden(
                "backup window does not allow you to send a backup at this time. \
                 You need a token that has a special permission 'uploadsAnytime'",
            )
            .into());
        }
        let collection = state.collections.get_mut(id).expect("it was found above, under the same lock");
        if collection.uploading.is_some() {
            return Err(answers::server_error("cannot upload to same collection in parallel").into());
        }
        collection.uploading = Some(0);
        shared.happened.notify_waiters();
        Ok(Self {
            shared: Arc::clone(shared),
            collection: id.to_owned(),
            number: collection.next_number(),
            allowed: collection.allowed_for_new(),
            file: shared.new_file(),
            released: AtomicBool::new(false),
        })
    }

    fn progress(&self, received: u64) {
        if let Some(collection) = self.shared.state().collections.get_mut(&self.collection) {
            collection.uploading = Some(received);
        }
        self.shared.happened.notify_waiters();
    }

    /// Lets others upload to the collection, once.
    fn release(&self) {
        if self.released.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(collection) = self.shared.state().collections.get_mut(&self.collection) {
            collection.uploading = None;
        }
        self.shared.happened.notify_waiters();
    }

    /// Makes the version visible. Nothing in here waits, so it happens wholly or not at all.
    fn register(&self, session: &Session, bytes: u64, fault: Option<Effect>) -> std::io::Result<StoredVersion> {
        let mut version = StoredVersion {
            number: self.number,
            bytes,
            filename: format!("{}-{}.tar.gz", self.collection, self.number),
            user: session.user.clone(),
            id: random_uuid(),
            collection: self.collection.clone(),
            session: session.id.clone(),
            created: jiff::Timestamp::now(),
            file: Arc::clone(&self.file),
        };
        if let Some(Effect::StoreOnly(kept)) = fault {
            version.bytes = bytes.min(kept);
            std::fs::OpenOptions::new().write(true).open(self.file.path())?.set_len(version.bytes)?;
        }
        if let Some(collection) = self.shared.state().collections.get_mut(&self.collection) {
            match fault {
                Some(Effect::AcceptWithoutRegistering) => collection.rotate(),
                _ => collection.register(version.clone()),
            }
        }
        Ok(version)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.release();
    }
}

/// Reads a body into the slot's file.
struct Intake<'a> {
    slot: &'a Slot,
    wire: &'a Wire,
    fault: Option<Effect>,
}

impl Intake<'_> {
    async fn receive(&self, request: Request) -> Result<u64, Response> {
        self.act(0).await?;
        let file = File::create(self.slot.file.path()).await.map_err(|error| refused(&error))?;
        let sink =
            Sink { file: BufWriter::with_capacity(LONGEST_READ, file), check: StreamCheck::new(self.slot.allowed) };
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match content_type.and_then(|value| value.split(';').next()).map(str::trim) {
            Some("multipart/form-data") => self.receive_form(request, sink).await,
            // The default of curl's --data-binary.
            Some("application/x-www-form-urlencoded") => {
                Err(bad_form("request Content-Type isn't multipart/form-data"))
            }
            _ => self.receive_raw(request, sink).await,
        }
    }

    async fn receive_raw(&self, request: Request, mut sink: Sink) -> Result<u64, Response> {
        let mut reads = request.into_body().into_data_stream();
        while let Some(read) = reads.next().await {
            sink.take(read.map_err(|_| refused(&"cannot copy stream, error: unexpected EOF"))?).await?;
            self.slot.progress(sink.check.total());
            self.act(sink.check.total()).await?;
        }
        sink.finish(self.wire.last_chunk().unwrap_or(LAST_READ_OF_A_PLAIN_BODY)).await
    }

    /// A form is buffered before the checks see it, so that its reads are whole ones of 1 MiB.
    async fn receive_form(&self, request: Request, mut sink: Sink) -> Result<u64, Response> {
        let mut form: Multipart = request.extract().await.map_err(|error| bad_form(&error))?;
        let (mut found, mut block) = (false, BytesMut::new());
        while let Some(mut field) = form.next_field().await.map_err(|error| bad_form(&error))? {
            let wanted = !found && field.name() == Some("file") && field.file_name().is_some();
            found |= wanted;
            while let Some(piece) = field.chunk().await.map_err(|error| bad_form(&error))? {
                if !wanted {
                    continue;
                }
                block.extend_from_slice(&piece);
                while block.len() > LONGEST_READ {
                    sink.take(block.split_to(LONGEST_READ).freeze()).await?;
                }
                let received = sink.check.total() + block.len() as u64;
                self.slot.progress(received);
                self.act(received).await?;
            }
        }
        if !found {
            return Err(bad_form("http: no such file"));
        }
        let last_read = block.len() as u64;
        if last_read > 0 {
            sink.take(block.freeze()).await?;
        }
        sink.finish(last_read).await
    }

    /// Carries out a fault that is due after this many bytes.
    async fn act(&self, received: u64) -> Result<(), Response> {
        match self.fault {
            Some(Effect::RefuseUploadAfter(refusal, at)) if received >= at => Err(refusal.response()),
            Some(Effect::ResetUploadAfter(at)) if received >= at => self.wire.reset().await,
            Some(Effect::StallUploadAfter(at)) if received >= at => {
                // A disconnected client cannot be detected while its data is unread before its FIN.
                self.slot.release();
                self.wire.stall().await
            }
            _ => Ok(()),
        }
    }
}

struct Sink {
    file: BufWriter<File>,
    check: StreamCheck,
}

impl Sink {
    async fn take(&mut self, read: Bytes) -> Result<(), Response> {
        self.check.read(&read).map_err(|text| refused_copy(&text))?;
        self.file.write_all(&read).await.map_err(|error| refused(&error))
    }

    async fn finish(mut self, last_read: u64) -> Result<u64, Response> {
        let bytes = self.check.finish(last_read).map_err(|text| refused_copy(&text))?;
        self.file.flush().await.map_err(|error| refused(&error))?;
        Ok(bytes)
    }
}

fn refused(cause: &dyn std::fmt::Display) -> Response {
    answers::server_error(&format!("cannot upload version. cannot upload file, {cause}"))
}

fn refused_copy(cause: &str) -> Response {
    refused(&format!("cannot copy stream, error: {cause}"))
}

fn bad_form(cause: &(impl std::fmt::Display + ?Sized)) -> Response {
    answers::server_error(&format!("cannot read file from multipart/urlencoded form: {cause}"))
}
